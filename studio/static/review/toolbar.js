/* The bar above the stage: tools, brush size, how masks look, zoom, undo, whether all is saved, help.
   In: the store and actions. Out: an element whose buttons follow the state. */

import { LARGEST_BRUSH } from "./brush.js";
import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";

/** actions: {tool, fit, actualSize, zoom, undo, redo, retry, help} */
export function createToolbar(store, actions) {
  return el(
    "div",
    { class: "ct-bar ct-toolbar", role: "toolbar", "aria-label": "Review tools" },
    createTools(store, actions),
    createBrushSize(store),
    createLooks(store),
    createZoom(store, actions),
    el("div", { class: "ct-spring" }),
    createSaving(store, actions),
    createUndo(store, actions),
    iconButton("help", "Keyboard shortcuts (?)", actions.help),
  );
}

export function iconButton(name, title, onclick, attributes = {}) {
  return button({ class: "ct-icon-button", title, "aria-label": title, onclick, ...attributes }, icon(name));
}

function createTools(store, actions) {
  const tools = [
    ["select", "Select and move (V)"],
    ["brush", "Brush (B)"],
    ["eraser", "Eraser (E)"],
  ];
  const buttons = tools.map(([name, title]) => iconButton(name, title, () => actions.tool(name)));
  store.watch(["tool"], ({ tool }) => {
    buttons.forEach((element, i) => element.setAttribute("aria-pressed", String(tools[i][0] === tool)));
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

function createLooks(store) {
  const slider = createSlider("Opacity of the masks", 0, 100, 5, (percent) => store.set({ opacity: percent / 100 }));
  const masks = iconButton("masks", "Masks (H)", () => store.set({ showMasks: !store.state.showMasks }));
  const labels = iconButton("label", "Name tags (L)", () => store.set({ showLabels: !store.state.showLabels }));
  store.watch(["opacity", "showMasks", "showLabels"], ({ opacity, showMasks, showLabels }) => {
    slider.value = Math.round(opacity * 100);
    masks.setAttribute("aria-pressed", String(showMasks));
    labels.setAttribute("aria-pressed", String(showLabels));
  });
  const field = el("label", { class: "ct-field" }, el("span", {}, "Opacity"), slider);
  return el("div", { class: "ct-group" }, field, masks, labels);
}

function createZoom(store, actions) {
  const percent = button({ class: "ct-value ct-zoom", title: "Actual size (1)", onclick: actions.actualSize });
  store.watch(["view", "video"], ({ view, video }) => setText(percent, video ? `${Math.round(view.scale * 100)} %` : "–"));
  return el(
    "div",
    { class: "ct-group", role: "group", "aria-label": "Zoom" },
    iconButton("minus", "Zoom out (-)", () => actions.zoom(0.8)),
    percent,
    iconButton("plus", "Zoom in (+)", () => actions.zoom(1.25)),
    iconButton("fit", "Fit to the stage (F)", actions.fit),
  );
}

function createUndo(store, actions) {
  const undo = iconButton("undo", "Undo (Ctrl+Z)", actions.undo);
  const redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", actions.redo);
  store.watch(["edits", "saving"], ({ edits, saving }) => {
    undo.disabled = !edits.can_undo && saving.pending === 0;
    redo.disabled = !edits.can_redo;
  });
  return el("div", { class: "ct-group" }, undo, redo);
}

function createSaving(store, actions) {
  const text = el("span");
  const retry = button({ class: "ct-link", onclick: actions.retry }, "Retry");
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
