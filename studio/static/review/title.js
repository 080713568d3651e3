/* The head of the inspector: which video is open, its size, length and frame rate.
   In: the store. Out: an element. */

import { el, setText } from "./dom.js";

export function createTitle(store) {
  const name = el("h1", { class: "ct-ellipsis" });
  const facts = el("p", { class: "ct-faint ct-numbers" });
  store.watch(["video"], ({ video }) => {
    setText(name, video?.name ?? "No video");
    name.title = video?.name ?? "";
    setText(facts, video ? describe(video) : "");
  });
  return el("header", { class: "ct-title" }, name, facts);
}

function describe({ width, height, length, fps }) {
  return `${width} × ${height} · ${length} frames · ${Number(fps.toFixed(2))} fps`;
}
