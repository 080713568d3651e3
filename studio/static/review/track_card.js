/* The selected track: what is known about it and what can be done with it.
   In: the parts of the page. Out: an element. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";

export function createTrackCard(parts) {
  const body = el("div", { class: "ct-card-body" });
  parts.store.watch(["selected", "tracks"], ({ selected, tracks }) => {
    const track = tracks.find(({ id }) => id === selected);
    body.replaceChildren(...(track ? describeTrack(track, parts) : [hint()]));
  });
  return el(
    "section",
    { class: "ct-panel ct-panel-card", "aria-label": "Selected track" },
    el("header", { class: "ct-panel-head" }, el("h2", {}, "Selected track")),
    body,
  );
}

function hint() {
  return el("p", { class: "ct-empty" }, "Click a mask on the stage, or use ↑ and ↓, to select a track.");
}

function describeTrack(track, { bindings, menus }) {
  const swatch = el("span", { class: "ct-swatch ct-swatch-large" });
  swatch.style.setProperty("--swatch", track.color);
  const category = button(
    {
      class: "ct-select",
      "aria-haspopup": "menu",
      onclick: () => menus.openCategories(category),
    },
    el("span", { class: "ct-ellipsis" }, track.category ?? "no category"),
    icon("category"),
  );
  bindings.hint(category, "category");
  const act = (id, classes, name, text) => {
    const run = () => bindings.run(bindings.get(id));
    return bindings.hint(button({ class: classes, onclick: run }, icon(name), text), id);
  };
  const seen = track.count > 0 ? `${track.first} – ${track.last}` : "none yet";
  return [
    el("div", { class: "ct-card-title" }, swatch, el("strong", {}, `Track ${track.id}`), category),
    el(
      "dl",
      { class: "ct-facts" },
      fact("Score", typeof track.score === "number" ? track.score.toFixed(2) : "–"),
      fact("Masks", String(track.count)),
      fact("Frames", seen),
    ),
    el(
      "div",
      { class: "ct-card-actions" },
      act("deleteFrom", "ct-outline", "cut", "Delete from here"),
      act("delete", "ct-outline ct-danger", "trash", "Delete"),
    ),
  ];
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}
