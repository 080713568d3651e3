/* The bar above the stage: what the features bring, zoom, undo, whether all is saved, help.
   In: the parts of the page and what features add. Out: an element whose buttons follow the state and name their keys. */

import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";

/** extras: elements of features: tools, how masks look. */
export function createToolbar(parts, extras = []) {
  return el(
    "div",
    { class: "ct-bar ct-toolbar", role: "toolbar", "aria-label": "Review tools" },
    extras,
    createZoom(parts),
    el("div", { class: "ct-spring" }),
    createSaving(parts),
    createUndo(parts),
    commandButton(parts, "help", "help", "Keyboard shortcuts"),
  );
}

/** A button for a binding: does what its key does, and names the key. */
export function commandButton({ bindings }, name, id, text = null) {
  const run = () => bindings.run(bindings.get(id));
  return bindings.hint(button({ class: "ct-icon-button", onclick: run }, icon(name)), id, text);
}

export function iconButton(name, title, onclick, attributes = {}) {
  return button({ class: "ct-icon-button", title, "aria-label": title, onclick, ...attributes }, icon(name));
}

function createZoom(parts) {
  const { store, stage, bindings } = parts;
  const percent = button({ class: "ct-value ct-zoom", onclick: () => stage.actualSize() });
  bindings.hint(percent, "actualSize");
  store.watch(["view", "video"], ({ view, video }) => setText(percent, video ? `${Math.round(view.scale * 100)} %` : "–"));
  return el(
    "div",
    { class: "ct-group", role: "group", "aria-label": "Zoom" },
    commandButton(parts, "minus", "zoomOut"),
    percent,
    commandButton(parts, "plus", "zoomIn"),
    commandButton(parts, "fit", "fit"),
  );
}

function createUndo(parts) {
  const undo = commandButton(parts, "undo", "undo");
  const redo = commandButton(parts, "redo", "redo");
  return el("div", { class: "ct-group" }, undo, redo);
}

function createSaving({ store, queue }) {
  const text = el("span");
  const retry = button({ class: "ct-link", onclick: () => queue.retry() }, "Retry");
  const mark = el("span", { class: "ct-saving-mark" }, icon("check"));
  const root = el("div", { class: "ct-saving", role: "status" }, mark, text, retry);
  store.watch(["saving", "video"], ({ saving, video }) => {
    const { state, pending, message } = saving;
    root.hidden = !video;
    root.dataset.state = state;
    root.title = message;
    retry.hidden = state !== "failed";
    const count = pending > 1 ? ` (${pending})` : "";
    setText(text, { saved: "Saved", saving: `Saving…${count}`, failed: `Not saved${count}` }[state]);
  });
  return root;
}
