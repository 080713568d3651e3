/* What the colours of the masks say, in a corner of the picture; hidden where every track has its own.
   In: the store. Out: an element. */

import { el } from "../dom.js";
import { COLOR_BY, legendOf } from "./colors.js";

export function createLegend(store) {
  const root = el("div", { class: "ct-color-legend", role: "note", "aria-label": "Colours of the masks", hidden: true });
  store.watch(["colorBy", "tracks", "video", "showMasks"], (state) => {
    const rows = state.video && state.showMasks ? legendOf(state) : [];
    root.hidden = rows.length === 0;
    root.replaceChildren(el("strong", {}, COLOR_BY[state.colorBy]), ...rows.map(createRow));
  });
  return root;
}

function createRow({ color, text }) {
  const swatch = el("span", { class: "ct-swatch" });
  swatch.style.setProperty("--swatch", color);
  return el("span", { class: "ct-color-row" }, swatch, el("span", { class: "ct-ellipsis" }, text));
}
