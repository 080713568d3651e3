/* The list of tracks: colour, number, category, score, frames seen; select, hide, show alone.
   In: the store and commands. Out: an element. Rows are rebuilt only when the tracks themselves change. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { howToSelect } from "./keys.js";
import { visibleSpans } from "./timeline/spans.js";
import { iconButton } from "./toolbar.js";

const EMPTY = "No tracks yet. Run the model on this video, or press N to draw a track by hand.";
const WAITING = "No tracks yet. The model is at work; tracks appear here as they are found.";

/** actions: {select, toggleHidden, toggleSolo, newTrack}; isRunning: run -> bool. */
export function createTrackList(store, actions, isRunning) {
  const rows = new Map(); // track id -> {row, main, eye, solo}
  const count = el("span", { class: "ct-count" });
  const list = el("ul", { class: "ct-tracks", "aria-label": "Tracks" });
  const columns = el(
    "div",
    { class: "ct-columns", "aria-hidden": "true" },
    el("span", { class: "ct-track-name" }, "Track"),
    el("span", { class: "ct-track-number" }, "Score"),
    el("span", { class: "ct-track-number" }, "Frames"),
  );
  const empty = el("p", { class: "ct-empty" });
  const showAll = button({ class: "ct-link", onclick: () => store.set({ hidden: new Set(), solo: null }) }, "Show all");

  store.watch(["tracks"], ({ tracks }) => {
    rows.clear();
    for (const track of tracks) rows.set(track.id, createRow(track, store, actions));
    list.replaceChildren(...[...rows.values()].map(({ row }) => row));
    count.textContent = tracks.length;
  });
  store.watch(["tracks", "video"], ({ tracks, video }) => {
    empty.hidden = tracks.length > 0 || !video;
    list.hidden = columns.hidden = tracks.length === 0;
    empty.textContent = isRunning(video?.run) ? WAITING : EMPTY;
  });
  store.watch(["tracks", "selected", "hovered", "hidden", "solo"], (state) => {
    for (const [id, row] of rows) markRow(row, id, state);
    showAll.hidden = state.hidden.size === 0 && state.solo === null;
  });
  store.watch(["tracks", "timeline", "frame"], ({ timeline, frame }) => {
    const here = { start: frame, end: frame + 1 };
    for (const [id, { row }] of rows) row.classList.toggle("ct-absent", visibleSpans(timeline[id] ?? [], here).length === 0);
  });
  store.watch(["selected"], ({ selected }) => rows.get(selected)?.row.scrollIntoView({ block: "nearest" }));

  return el(
    "section",
    { class: "ct-panel ct-panel-tracks", "aria-label": "Tracks" },
    el(
      "header",
      { class: "ct-panel-head" },
      el("h2", {}, "Tracks"),
      count,
      el("div", { class: "ct-spring" }),
      showAll,
      iconButton("plus", "New track (N)", actions.newTrack),
    ),
    empty,
    columns,
    list,
  );
}

function createRow(track, store, { select, toggleHidden, toggleSolo }) {
  const swatch = el("span", { class: "ct-swatch" });
  swatch.style.setProperty("--swatch", track.color);
  const score = typeof track.score === "number" ? track.score.toFixed(2) : "–";
  const main = button(
    { class: "ct-track-main", onclick: (event) => select(track.id, howToSelect(event)), title: describe(track) },
    swatch,
    el("span", { class: "ct-track-id" }, String(track.id)),
    el("span", { class: "ct-track-name" }, track.category ?? "no category"),
    track.source === "user" ? el("span", { class: "ct-pencil" }, icon("pencil")) : null,
    el("span", { class: "ct-track-number" }, score),
    el("span", { class: "ct-track-number" }, String(track.count)),
  );
  const solo = iconButton("solo", `Show only track ${track.id}`, () => toggleSolo(track.id));
  const eye = iconButton("eye", `Hide track ${track.id}`, () => toggleHidden(track.id));
  const hover = (hovered) => () => store.set({ hovered });
  const row = el("li", { class: "ct-track", "data-track": track.id, onpointerenter: hover(track.id), onpointerleave: hover(null) }, main, solo, eye);
  return { row, main, eye, solo };
}

function markRow({ row, main, eye, solo }, id, state) {
  const hidden = state.solo === null ? state.hidden.has(id) : state.solo !== id;
  row.classList.toggle("ct-selected", state.selected === id);
  row.classList.toggle("ct-hovered", state.hovered === id);
  row.classList.toggle("ct-hidden-track", hidden);
  main.setAttribute("aria-pressed", String(state.selected === id));
  solo.setAttribute("aria-pressed", String(state.solo === id));
  eye.setAttribute("aria-pressed", String(state.hidden.has(id)));
  const name = state.hidden.has(id) ? "eyeOff" : "eye";
  if (eye.dataset.icon !== name) {
    eye.dataset.icon = name;
    eye.replaceChildren(icon(name));
  }
}

/** One line for the tooltip, and for screen readers through the button's title. */
function describe({ id, category, score, first, last, count }) {
  const parts = [`Track ${id}`, category ?? "no category"];
  if (typeof score === "number") parts.push(`score ${score.toFixed(2)}`);
  parts.push(count > 0 ? `${count} ${count === 1 ? "frame" : "frames"}, ${first} to ${last}` : "no masks yet");
  return parts.join(", ");
}
