/* The review page put together. In: the element Gradio gives. Out: {root, open(video id, frame)}.
   mount() loads the style sheets, builds the parts and joins them by the store; a page mounted earlier ends.
   What the page can do beyond that, features add (features.js). window.__studio shows the state to the tests. */

import { createApi } from "./api.js";
import { Bindings } from "./bindings.js";
import { CategoryMenu } from "./category_menu.js";
import { Commands } from "./commands.js";
import { createFeatures } from "./features.js";
import { createHelp } from "./help.js";
import { createKeymap, GESTURES } from "./keymap.js";
import { installKeys } from "./keys.js";
import { createRoot, fillRoot } from "./layout.js";
import { createMenus } from "./menus.js";
import { Operations } from "./operations/operations.js";
import { Partner } from "./operations/partner.js";
import { Sheet } from "./operations/sheet.js";
import { fillWindow, loadStyles, nameFrame, watchTheme } from "./page.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { loadPreferences, sharePreferences, watchPreferences } from "./preferences.js";
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

  const store = createStore(initialState());
  const parts = createParts(store, createApi(base));
  const { bindings, queue, session, stage, timeline, root } = parts;
  const features = createFeatures(parts);
  bindings.add(createKeymap(parts));
  bindings.add(features.bindings);
  parts.help = createHelp(parts, GESTURES);
  fillRoot(root, parts, features);
  keepSelectionWhole(store);

  element.replaceChildren(root);
  watchPreferences(store);
  const ends = [
    fillWindow(root),
    watchTheme(() => timeline.recolor()),
    nameFrame(store),
    installKeys(root, bindings, takeKeys(parts)),
    warnBeforeLeaving(queue),
    sharePreferences(parts.api, store),
    features.end,
    () => session.end(),
  ];
  document[MOUNTED] = () => ends.forEach((end) => end());
  window.__studio = createTestHook(parts);
  return { root, open: (video, frame) => session.open(video, frame) };
}

function initialState() {
  return {
    ...CLOSED,
    ...loadPreferences(),
    tab: "tracks",
    listed: null, // ids of the tracks as the list shows them, where that is not all in their own order
    view: { scale: 1, x: 0, y: 0 },
    tool: "select",
    showMasks: true,
    saving: { state: "saved", pending: 0, message: "" },
  };
}

/** The parts of the page by name; a feature gets them all. */
function createParts(store, api) {
  const root = createRoot();
  const toasts = createToasts();
  const { toast } = toasts;
  const bindings = new Bindings(store, toast);
  const stage = new Stage(store);
  const queue = new SaveQueue(store);
  const session = new Session(api, store, stage, { busy: () => queue.busy, toast });
  const commands = new Commands(api, store, session, queue, stage, toast);
  const operations = new Operations({ api, store, session, queue, commands, toast });
  const player = createPlayer(store, session);
  const pointer = new Pointer(stage, store);
  const go = (frame) => {
    player.stop();
    pointer.finishStroke(); // a stroke belongs to the frame it was begun on
    session.navigator.go(frame);
  };
  const navigator = { go, step: (delta) => go(store.state.want + delta) };
  const timeline = new Timeline(store, { go, select: (track, how) => commands.click(track, how) });
  const menu = new CategoryMenu(root, (name) => commands.addCategory(name));
  const menus = createMenus({ store, commands, operations }, menu);
  const sheet = new Sheet();
  const partner = new Partner({ store, session, commands, stage });
  const parts = {
    root, api, store, session, stage, pointer, queue, commands, operations, navigator, player, timeline, menus, bindings,
    sheet, partner, toasts, toast,
    keyOf: (id) => bindings.keyOf(id),
    openHelp: () => parts.help.open(),
    escape: () => (store.state.tool === "select" ? commands.select(null) : store.set({ tool: "select" })),
  };
  return parts;
}

function createPlayer(store, session) {
  return new Player(store, session.navigator, {
    ready: (frame) => session.frames.has(frame) && session.masks.ready(frame),
    prefetch: (frame) => session.frames.prefetch(frame, 1, AHEAD_WHILE_PLAYING),
  });
}

/** Whoever selects one track, selects only that one. */
function keepSelectionWhole(store) {
  store.watch(["selected"], ({ selected, selection }) => {
    if (selected === null ? selection.length : !selection.includes(selected)) {
      store.set({ selection: selected === null ? [] : [selected] });
    }
  });
}

/** Whoever asks something gets the keys first, then the tool in use. */
function takeKeys({ operations, partner, sheet, pointer }) {
  const early = (event) => event.key === "Enter" && operations.asking && !sheet.shown;
  return (event) => early(event) || partner.key(event) || sheet.key(event) || pointer.key(event);
}

function warnBeforeLeaving(queue) {
  const warn = (event) => {
    if (queue.atRisk) event.preventDefault();
  };
  window.addEventListener("beforeunload", warn);
  return () => window.removeEventListener("beforeunload", warn);
}
