/* The review stage put together. In: the element Gradio gives. Out: {root, open(video id)}.
   mount() loads the style sheets, builds the parts and joins them by the store; a stage mounted earlier ends.
   window.__studio shows the state to the tests. */

import { createApi } from "./api.js";
import { CategoryMenu } from "./category_menu.js";
import { Commands } from "./commands.js";
import { createHelp } from "./help.js";
import { createKeymap, GESTURES } from "./keymap.js";
import { installKeys } from "./keys.js";
import { createRoot, fillRoot } from "./layout.js";
import { createMenus } from "./menus.js";
import { fillWindow, loadStyles, watchTheme } from "./page.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { loadPreferences, watchPreferences } from "./preferences.js";
import { SaveQueue } from "./save_queue.js";
import { CLOSED, Session } from "./session.js";
import { Stage } from "./stage.js";
import { createStore } from "./store.js";
import { createTestHook } from "./test_hook.js";
import { Timeline } from "./timeline.js";
import { createToasts } from "./toast.js";

const AHEAD_WHILE_PLAYING = 16; // frames
const MOUNTED = Symbol.for("ctvis.review.mounted");

/** base: address of the HTTP interface. */
export async function mount(element, { base = new URL("../../api/v1", import.meta.url).pathname } = {}) {
  await loadStyles(new URL("../css/", import.meta.url));
  document[MOUNTED]?.();

  const store = createStore({
    ...CLOSED,
    ...loadPreferences(),
    view: { scale: 1, x: 0, y: 0 },
    tool: "select",
    showMasks: true,
    saving: { state: "saved", pending: 0, message: "" },
  });
  const api = createApi(base);
  const toasts = createToasts();
  const stage = new Stage(store);
  const queue = new SaveQueue(store);
  const session = new Session(api, store, stage, { busy: () => queue.busy, toast: toasts.toast });
  const commands = new Commands(api, store, session, queue, stage, toasts.toast);
  const player = createPlayer(store, session);
  const pointer = createPointer(store, stage, commands, player);
  const go = (frame) => {
    player.stop();
    pointer.finishStroke(); // a stroke belongs to the frame it was begun on
    session.navigator.go(frame);
  };
  const navigator = { go, step: (delta) => go(store.state.want + delta) };
  const timeline = new Timeline(store, { go, select: (track) => commands.select(track) });

  const root = createRoot();
  const menu = new CategoryMenu(root, (name) => commands.addCategory(name));
  const menus = createMenus(store, menu, commands, toasts.toast);
  const escape = () => store.set(store.state.tool === "select" ? { selected: null } : { tool: "select" });
  const openHelp = () => help.open();
  const bindings = createKeymap({ store, stage, navigator, commands, timeline, escape, openHelp, ...menus });
  const help = createHelp(bindings, GESTURES);
  fillRoot(root, { store, stage, timeline, navigator, player, queue, commands, menus, toasts, help });

  element.replaceChildren(root);
  watchPreferences(store);
  const ends = [
    fillWindow(root),
    watchTheme(() => timeline.recolor()),
    installKeys(root, bindings, spaceBar(pointer, player)),
    warnBeforeLeaving(queue),
    () => session.end(),
  ];
  document[MOUNTED] = () => ends.forEach((end) => end());
  window.__studio = createTestHook(store, session, queue, stage);
  return { root, open: (video) => session.open(video) };
}

function createPlayer(store, session) {
  return new Player(store, session.navigator, {
    ready: (frame) => session.frames.has(frame) && session.masks.ready(frame),
    prefetch: (frame) => session.frames.prefetch(frame, 1, AHEAD_WHILE_PLAYING),
  });
}

function createPointer(store, stage, commands, player) {
  return new Pointer(stage, store, {
    select: (track) => commands.select(track),
    strokeStart: () => {
      player.stop();
      return commands.strokeStart();
    },
    strokeEnd: (layer) => commands.strokeEnd(layer),
  });
}

/** A short press plays or pauses; held while dragging it moves the picture. */
function spaceBar(pointer, player) {
  return {
    down: () => pointer.holdSpace(true),
    up: ({ cancelled = false } = {}) => {
      if (!pointer.spaceHeld) return;
      const usedForPanning = pointer.holdSpace(false);
      if (!usedForPanning && !cancelled) player.toggle();
    },
  };
}

function warnBeforeLeaving(queue) {
  const warn = (event) => {
    if (queue.busy) event.preventDefault();
  };
  window.addEventListener("beforeunload", warn);
  return () => window.removeEventListener("beforeunload", warn);
}
