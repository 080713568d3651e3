/* The head of the inspector: which video is open, its size, length and frame rate, and the ways on from it.
   In: the store, an element with those ways. Out: an element. */

import { el, setText } from "./dom.js";

export function createTitle(store, waysOn) {
  const name = el("h1", { class: "ct-ellipsis" });
  const facts = el("p", { class: "ct-faint ct-numbers" });
  store.watch(["video"], ({ video }) => {
    setText(name, video?.name ?? "No video");
    name.title = video?.name ?? "";
    setText(facts, video ? describe(video) : "");
  });
  return el("header", { class: "ct-title" }, name, facts, waysOn);
}

function describe({ width, height, length, fps }) {
  return `${width} × ${height} · ${length} frames · ${Number(fps.toFixed(2))} fps`;
}
