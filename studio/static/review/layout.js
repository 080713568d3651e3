/* Where everything stands: left the stage with toolbar, playback bar and timeline, right the inspector.
   In: the parts made by main.js. Out: elements inside the root. */

import { el } from "./dom.js";
import { createHistory } from "./history.js";
import { createNotices } from "./notices.js";
import { isRunning } from "./session.js";
import { createTitle } from "./title.js";
import { createToolbar } from "./toolbar.js";
import { createTrackCard } from "./track_card.js";
import { createTrackList } from "./track_list.js";
import { createTransport } from "./transport.js";

export function createRoot() {
  return el("div", { class: "ct-review" });
}

export function fillRoot(root, parts) {
  root.append(createMain(parts), createInspector(parts), parts.help.root);
}

function createMain({ store, stage, timeline, navigator, player, queue, commands, toasts, help }) {
  const toolbar = createToolbar(store, {
    tool: (tool) => store.set({ tool }),
    fit: () => stage.fit(),
    actualSize: () => stage.actualSize(),
    zoom: (factor) => stage.zoom(factor),
    undo: () => commands.undo(),
    redo: () => commands.redo(),
    retry: () => queue.retry(),
    help: () => help.open(),
  });
  const transport = createTransport(store, {
    ...navigator,
    toggle: () => player.toggle(),
    zoom: (factor) => timeline.zoom(factor),
    fit: () => timeline.fit(),
  });
  const picture = el("div", { class: "ct-stage-frame" }, stage.root, createNotices(store, isRunning), toasts.root);
  return el("div", { class: "ct-main" }, toolbar, picture, transport, timeline.root);
}

function createInspector({ store, commands, menus }) {
  const list = createTrackList(
    store,
    {
      select: (track) => commands.select(track),
      toggleHidden: (track) => commands.toggleHidden(track),
      toggleSolo: (track) => commands.toggleSolo(track),
      newTrack: () => menus.openNewTrack(),
    },
    isRunning,
  );
  const card = createTrackCard(store, {
    openCategories: (anchor) => menus.openCategories(anchor),
    deleteTrack: () => commands.deleteTrack(),
    deleteFromHere: () => commands.deleteFromHere(),
  });
  const history = createHistory(store);
  return el("aside", { class: "ct-inspector", "aria-label": "Inspector" }, createTitle(store), list, card, history);
}
