/* The list of tracks: search, order and filters; rows with picture, score and state; select, lock, hide, show alone.
   In: the parts of the page. Out: an element; the state key `listed` (ids in the order of the list), by which the timeline
   and the keys go too. Only rows in sight exist; see tracks/. */

import { button, el, setText } from "./dom.js";
import { isRunning } from "./session.js";
import { createFilterBar } from "./tracks/filter_bar.js";
import { isFiltering, listTracks, NO_CHOICE, NO_FILTER, reviewsOf } from "./tracks/choice.js";
import { Pictures } from "./tracks/pictures.js";
import { createRow, fillRow, markPresence } from "./tracks/row.js";
import { VirtualList } from "./tracks/virtual_list.js";
import { iconButton } from "./toolbar.js";

const ROW_HEIGHT = 44; // px
const EMPTY = "No tracks yet. Run the model on this video, or press N to draw a track by hand.";
const NOTHING = "No tracks. Press K and click an object to see what the model saw there, or N to draw a track by hand.";
const WAITING = "No tracks yet. The model is at work; tracks appear here as they are found.";
const LOOKS = ["selected", "selection", "hovered", "hidden", "solo", "locked", "colorBy"];
const FACTS = ["tracks", "timeline", "verified", "suggestions"];

export function createTrackList({ store, api, commands, menus }) {
  store.set({ trackChoice: store.state.trackChoice ?? NO_CHOICE, locked: store.state.locked ?? new Set() });
  const actions = {
    select: (track, how) => commands.click(track, how),
    toggleHidden: (track) => commands.toggleHidden(track),
    toggleSolo: (track) => commands.toggleSolo(track),
    toggleLocked: (track) => store.set({ locked: toggled(store.state.locked, track) }),
    hover: (hovered) => store.set({ hovered }),
  };
  let byId = new Map();
  let reviews = new Map();
  const list = new VirtualList({
    rowHeight: ROW_HEIGHT,
    label: "Tracks",
    create: (id) => createRow(id, actions),
    fill: (row, id) => {
      if (byId.has(id)) fillRow(row, byId.get(id), store.state, reviews.get(id));
      markPresence(row, id, store.state);
    },
  });
  const pictures = new Pictures(store, list, (...query) => api.trackThumbnailUrl(...query));
  list.root.addEventListener("scroll", () => pictures.showSoon(), { passive: true });
  new ResizeObserver(() => pictures.showSoon()).observe(list.root);
  store.watch(FACTS, (state) => {
    byId = new Map(state.tracks.map((track) => [track.id, track]));
    reviews = reviewsOf(state);
  });
  keepListed(store);
  store.watch(["listed"], ({ listed }) => {
    list.setKeys(listed);
    pictures.showSoon();
  });
  store.watch([...LOOKS, ...FACTS], () => list.refresh());
  store.watch(["frame"], (state) => list.rows.forEach((row, id) => markPresence(row, id, state)));
  store.watch(["tracks", "verified", "confidence"], () => pictures.showSoon());
  store.watch(["selected", "listed"], ({ selected }) => list.reveal(selected));
  return el("section", { class: "ct-panel ct-panel-tracks", "aria-label": "Tracks" }, ...createHead(store, menus), list.root);
}

/** `listed` follows the tracks and the choice; it stays the same array as long as nothing changes. */
function keepListed(store) {
  const list = () => {
    const { state } = store;
    const ids = listTracks(state, state.trackChoice);
    if (state.listed?.length !== ids.length || ids.some((id, i) => id !== state.listed[i])) store.set({ listed: ids });
  };
  store.watch(["trackChoice", ...FACTS], list);
  store.watch(["frame"], ({ trackChoice }) => trackChoice.here && list());
  let opened = null;
  store.watch(["video"], ({ video, trackChoice }) => {
    if (video?.id === opened) return;
    opened = video?.id;
    store.set({ trackChoice: { ...trackChoice, ...NO_FILTER } }); // categories and tracks of another video are others
  });
}

function createHead(store, menus) {
  const { bar, panel, toggle } = createFilterBar(store);
  const count = el("span", { class: "ct-count" });
  const empty = el("p", { class: "ct-empty" });
  const showAll = button({ class: "ct-link", onclick: () => store.set({ hidden: new Set(), solo: null }) }, "Show all");
  store.watch(["tracks", "listed", "video"], ({ tracks, listed, video }) => {
    setText(count, listed.length < tracks.length ? `${listed.length} of ${tracks.length}` : String(tracks.length));
    empty.hidden = tracks.length > 0 || !video;
    bar.hidden = toggle.hidden = tracks.length === 0;
    setText(empty, isRunning(video?.run) ? WAITING : video?.run?.state === "done" ? NOTHING : EMPTY);
  });
  store.watch(["hidden", "solo"], ({ hidden, solo }) => (showAll.hidden = hidden.size === 0 && solo === null));
  const head = el(
    "header",
    { class: "ct-panel-head" },
    el("h2", {}, "Tracks"),
    count,
    el("div", { class: "ct-spring" }),
    showAll,
    toggle,
    iconButton("plus", "New track (N)", () => menus.openNewTrack()),
  );
  return [head, bar, panel, empty, createMissing(store)];
}

/** Says when a filter hides the selected track, or everything. */
function createMissing(store) {
  const words = el("span");
  const clear = () => store.set({ trackChoice: { ...store.state.trackChoice, ...NO_FILTER } });
  const root = el("p", { class: "ct-filtered", role: "status" }, words, button({ class: "ct-link", onclick: clear }, "Show it"));
  const link = root.lastElementChild;
  store.watch(["listed", "selected", "tracks", "trackChoice"], ({ listed, selected, tracks, trackChoice }) => {
    const lost = selected !== null && !listed.includes(selected) && tracks.some(({ id }) => id === selected);
    const none = listed.length === 0 && tracks.length > 0;
    root.hidden = !isFiltering(trackChoice) || (!lost && !none);
    setText(words, lost ? `Track ${selected} is selected, but the filter hides it.` : "No track fits the filter.");
    setText(link, lost ? "Show it" : "Clear the filter");
  });
  return root;
}

function toggled(set, item) {
  const copy = new Set(set);
  if (!copy.delete(item)) copy.add(item);
  return copy;
}
