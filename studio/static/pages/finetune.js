/* The Fine-tune page: what a project's corrections would teach, the run that teaches it, and the runs there were. */

import { element } from "./dom.js";

export function mount({ element: root }) {
  root.replaceChildren(element("section", {}, element("h1", {}, "Fine-tune")));
}
