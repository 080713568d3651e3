/* The selected track: what is known about it and what can be done with it.
   In: the store and actions. Out: an element. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";

/** actions: {openCategories(anchor), deleteTrack(), deleteFromHere()} */
export function createTrackCard(store, actions) {
  const body = el("div", { class: "ct-card-body" });
  store.watch(["selected", "tracks"], ({ selected, tracks }) => {
    const track = tracks.find(({ id }) => id === selected);
    body.replaceChildren(...(track ? describeTrack(track, actions) : [hint()]));
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

function describeTrack(track, actions) {
  const swatch = el("span", { class: "ct-swatch ct-swatch-large" });
  swatch.style.setProperty("--swatch", track.color);
  const category = button(
    {
      class: "ct-select",
      title: "Change category (C)",
      "aria-haspopup": "menu",
      onclick: () => actions.openCategories(category),
    },
    el("span", { class: "ct-ellipsis" }, track.category ?? "no category"),
    icon("category"),
  );
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
      button(
        { class: "ct-outline", title: "Delete from this frame on (Shift+Delete)", onclick: () => actions.deleteFromHere() },
        icon("cut"),
        "Delete from here",
      ),
      button(
        { class: "ct-outline ct-danger", title: "Delete track (Delete)", onclick: () => actions.deleteTrack() },
        icon("trash"),
        "Delete",
      ),
    ),
  ];
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}
