/* The Jobs page: all long work, in the order in which it is done. */

import { element } from "./dom.js";

export function mount({ element: root }) {
  root.replaceChildren(element("section", {}, element("h1", {}, "Jobs")));
}
