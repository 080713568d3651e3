/* What the signs of the timeline mean: a button and the panel it opens. In: the store. Out: an element. */

import { button, el } from "../dom.js";
import { icon } from "../icons.js";

const SIGNS = [
  ["model", "present, by the model"],
  ["user", "drawn by a person"],
  ["propagated", "propagated"],
  ["interpolated", "interpolated"],
  ["verified", "verified"],
  ["heat", "the model was unsure: the higher, the less sure"],
  ["suggestion", "suspicious moment; a number: several"],
  ["comment", "comment"],
];

export function createLegend() {
  const panel = el(
    "dl",
    { class: "ct-legend", hidden: true },
    SIGNS.map(([name, text]) => el("div", {}, el("dt", {}, el("span", { class: `ct-sign ct-sign-${name}` })), el("dd", {}, text))),
  );
  const title = "What the signs of the timeline mean";
  const attributes = { class: "ct-icon-button", title, "aria-label": title, "aria-expanded": "false" };
  const toggle = button({ ...attributes, onclick: () => show(panel.hidden) }, icon("legend"));
  const root = el("div", { class: "ct-legend-place" }, toggle, panel);
  const outside = (event) => {
    if (!root.contains(event.target)) show(false);
  };
  const show = (open) => {
    panel.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
    if (open) document.addEventListener("pointerdown", outside, true);
    else document.removeEventListener("pointerdown", outside, true);
  };
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.preventDefault();
    show(false);
  });
  return root;
}
