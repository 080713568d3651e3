/* The selected track, or tracks: what is known about them and what can be done with them.
   In: the parts of the page. Out: an element. */

import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";
import { commandButton } from "./toolbar.js";

const MOST_SWATCHES = 4;

export function createTrackCard(parts) {
  const body = el("div", { class: "ct-card-body" });
  const title = el("h2");
  parts.store.watch(["selected", "selection", "tracks"], ({ selected, selection, tracks }) => {
    const chosen = tracks.filter(({ id }) => selection.includes(id) || id === selected);
    setText(title, chosen.length > 1 ? `${chosen.length} tracks` : "Selection");
    body.replaceChildren(...(chosen.length ? describe(chosen, parts) : [hint()]));
  });
  return el(
    "section",
    { class: "ct-panel ct-panel-card", "aria-label": "Selected track" },
    el("header", { class: "ct-panel-head" }, title, el("div", { class: "ct-spring" }), createActions(parts)),
    body,
  );
}

/** The operations most used, as small buttons that name their keys. */
function createActions(parts) {
  const buttons = ["swap", "split", "merge", "move", "verifyAll"].map((id) => commandButton(parts, id, id));
  return el("div", { class: "ct-group ct-card-tools" }, buttons);
}

function hint() {
  return el("p", { class: "ct-empty" }, "Click a mask on the stage, or use ↑ and ↓, to select a track.");
}

function describe(tracks, { bindings, menus }) {
  const [first] = tracks;
  const categories = [...new Set(tracks.map(({ category }) => category ?? "no category"))];
  const category = button(
    {
      class: "ct-select",
      "aria-haspopup": "menu",
      onclick: () => menus.openCategories({ anchor: category }),
    },
    el("span", { class: "ct-ellipsis" }, categories.length === 1 ? categories[0] : `${categories.length} categories`),
    icon("category"),
  );
  bindings.hint(category, "category");
  const act = (id, classes, name, text) => {
    const run = () => bindings.run(bindings.get(id));
    return bindings.hint(button({ class: classes, onclick: run }, icon(name), text), id);
  };
  const swatches = tracks.slice(0, MOST_SWATCHES).map((track) => {
    const swatch = el("span", { class: "ct-swatch ct-swatch-large" });
    swatch.style.setProperty("--swatch", track.color);
    return swatch;
  });
  const name = tracks.length === 1 ? el("strong", {}, `Track ${first.id}`) : null;
  return [
    el("div", { class: "ct-card-title" }, swatches, name, category),
    el("dl", { class: "ct-facts" }, facts(tracks)),
    el(
      "div",
      { class: "ct-card-actions" },
      act("deleteFrom", "ct-outline", "cut", "Delete from here"),
      act("delete", "ct-outline ct-danger", "trash", "Delete"),
    ),
  ];
}

function facts(tracks) {
  const scores = tracks.map(({ score }) => score).filter((score) => typeof score === "number");
  const seen = tracks.filter(({ count }) => count > 0);
  const [from, to] = [Math.min(...seen.map(({ first }) => first)), Math.max(...seen.map(({ last }) => last))];
  const range = (low, high) => (low === high ? low : `${low} – ${high}`);
  return [
    fact("Score", scores.length ? range(Math.min(...scores).toFixed(2), Math.max(...scores).toFixed(2)) : "–"),
    fact("Masks", String(tracks.reduce((sum, { count }) => sum + count, 0))),
    fact("Frames", seen.length ? `${from} – ${to}` : "none yet"),
  ];
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}
