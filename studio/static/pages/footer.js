/* The footer's facts: version and active kernel from the server, the data folder from the page. */

import { get } from "./api.js";
import { element } from "./dom.js";

const KERNEL =
  "What computes the slowest step of the net. With “torch” it takes many times longer than with “cpu C++” or “cuda”: ctvis-studio doctor says why.";

export async function mount({ element: root, props }) {
  const fact = (name, value, title = "") => element("span", { title }, element("span.faint", {}, `${name} `), value);
  const line = element("footer.facts", {}, element("span.grow"), fact("Data", props.home));
  root.replaceChildren(line);
  const health = await get("/health");
  line.prepend(fact("CTVIS Studio", health.version), fact("Kernel", health.kernel, KERNEL));
}
