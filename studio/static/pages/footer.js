/* The footer's facts: version and active kernel from the server, the data folder from the page. */

import { get } from "./api.js";
import { element } from "./dom.js";

export async function mount({ element: root, props }) {
  const fact = (name, value) => element("span", {}, element("span.faint", {}, `${name} `), value);
  const line = element("footer.facts", {}, element("span.grow"), fact("Data", props.home));
  root.replaceChildren(line);
  const health = await get("/health");
  line.prepend(fact("CTVIS Studio", health.version), fact("Kernel", health.kernel));
}
