/* The bar above the stage: tools, brush size, how masks look, zoom, undo, whether all is saved, help.
   In: the parts of the page and what features add. Out: an element whose buttons follow the state and name their keys. */

import { LARGEST_BRUSH } from "./brush.js";
import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";

/** extras: elements of features, placed after how masks look. */
export function createToolbar(parts, extras = []) {
  const { store } = parts;
  return el(
    "div",
    { class: "ct-bar ct-toolbar", role: "toolbar", "aria-label": "Review tools" },
    createTools(parts),
    createBrushSize(store),
    createLooks(parts),
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

function createTools(parts) {
  const tools = ["select", "brush", "eraser"];
  const buttons = tools.map((name) => commandButton(parts, name, name));
  parts.store.watch(["tool"], ({ tool }) => {
    buttons.forEach((element, i) => element.setAttribute("aria-pressed", String(tools[i] === tool)));
  });
  return el("div", { class: "ct-group ct-segments", role: "group", "aria-label": "Tool" }, buttons);
}

function createBrushSize(store) {
  const resize = (brushSize) => store.set({ brushSize });
  const slider = createSlider("Brush size in pixels of the video ([ and ])", 1, LARGEST_BRUSH, 1, resize);
  const value = el("output", { class: "ct-value" });
  const group = el("label", { class: "ct-group ct-field" }, el("span", {}, "Size"), slider, value);
  store.watch(["brushSize", "tool"], ({ brushSize, tool }) => {
    slider.value = brushSize;
    setText(value, `${brushSize} px`);
    group.classList.toggle("ct-muted", tool === "select");
  });
  return group;
}

function createLooks(parts) {
  const { store } = parts;
  const slider = createSlider("Opacity of the masks", 0, 100, 5, (percent) => store.set({ opacity: percent / 100 }));
  const masks = commandButton(parts, "masks", "masks", "Masks");
  const labels = commandButton(parts, "label", "labels", "Name tags");
  store.watch(["opacity", "showMasks", "showLabels"], ({ opacity, showMasks, showLabels }) => {
    slider.value = Math.round(opacity * 100);
    masks.setAttribute("aria-pressed", String(showMasks));
    labels.setAttribute("aria-pressed", String(showLabels));
  });
  const field = el("label", { class: "ct-field" }, el("span", {}, "Opacity"), slider);
  return el("div", { class: "ct-group" }, field, masks, labels);
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
  parts.store.watch(["edits", "saving"], ({ edits, saving }) => {
    undo.disabled = !edits.can_undo && saving.pending === 0;
    redo.disabled = !edits.can_redo;
  });
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

/** A slider that gives the keyboard back to the stage once the mouse lets it go. */
function createSlider(label, min, max, step, onValue) {
  const slider = el("input", { type: "range", class: "ct-slider", "aria-label": label, title: label, min, max, step });
  slider.addEventListener("input", () => onValue(Number(slider.value)));
  slider.addEventListener("pointerup", () => slider.blur());
  return slider;
}
