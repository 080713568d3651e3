/* The head of the inspector: which video of which project is open, its size, length and frame rate, and the ways on from it.
   The browser's tab is named after it, too. In: the store, an element with those ways. Out: an element. */

import { el, setText } from "./dom.js";
import { counted } from "./operations/sentence.js";

export function createTitle(store, waysOn) {
  const project = el("a", { class: "ct-title-project ct-ellipsis" });
  const name = el("h1", { class: "ct-ellipsis" });
  const facts = el("p", { class: "ct-faint ct-numbers" });
  store.watch(["video"], ({ video }) => {
    setText(project, video?.project ?? "");
    project.hidden = !video;
    project.href = `?view=library&project=${video?.project_id}`;
    project.title = `${video?.project}: show it in the Library`;
    setText(name, video?.name ?? "No video");
    name.title = video?.name ?? "";
    setText(facts, video ? describe(video) : "");
    nameTab(video);
  });
  document.addEventListener("ctvis:page", () => nameTab(store.state.video));
  return el("header", { class: "ct-title" }, project, name, facts, waysOn);
}

/** Other pages of the studio name the tab themselves. */
function nameTab(video) {
  const { page = "review" } = document.documentElement.dataset;
  if (video && page === "review") document.title = `${video.name} · ${video.project} · CTVIS Studio`;
}

function describe({ width, height, length, fps }) {
  return `${width} × ${height} · ${counted(length, "frame")} · ${Number(fps.toFixed(2))} fps`;
}
