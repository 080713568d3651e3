/* The panel of the tools that refine masks: each with its amount and its key, and what they apply to.
   In: the parts of the page. Out: an element. */

import { follow, number } from "../controls.js";
import { button, el } from "../dom.js";
import { icon } from "../icons.js";
import { REFINEMENTS } from "./refining.js";
import { scopeText } from "./scope.js";

export function createRefinePanel(parts) {
  const { store } = parts;
  const scope = follow(store, ["selection", "locked", "span", "want", "tracks"], scopeText);
  return el(
    "div",
    { class: "ct-refine" },
    el("p", { class: "ct-popover-title" }, "Refine ", scope),
    REFINEMENTS.map((refinement) => createRow(parts, refinement)),
  );
}

function createRow({ store, bindings }, { id, text, icon: name, amount, unit, most }) {
  const run = button({ class: "ct-menu-item", onclick: () => bindings.run(bindings.get(id)) }, icon(name), el("span", {}, text));
  const field = amount && number(store, amount, { label: `${text}: ${unit === "px" ? "radius in pixels" : "smallest part that stays, in pixels"}`, most });
  const key = follow(store, ["keys", "video"], () => bindings.keyOf(id), { class: "ct-key-cap" });
  return el("div", { class: "ct-refine-row" }, run, field ?? el("span"), el("span", { class: "ct-faint" }, unit ?? ""), key);
}
