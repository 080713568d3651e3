/* The Models page: the family of models. */

import { element } from "./dom.js";

export function mount({ element: root }) {
  root.replaceChildren(element("section", {}, element("h1", {}, "Models")));
}
