/* The strip over the picture with the options of the tool in use: size, what a shape does, what is changed.
   In: the parts of the page and its tools. Out: an element; hidden where the tool has no options. */

import { LARGEST_BRUSH } from "../brush.js";
import { choice, follow, slider } from "../controls.js";
import { button, el } from "../dom.js";
import { scopeText } from "./scope.js";

export function createOptions(parts, tools) {
  const { store } = parts;
  const stroke = strokeOptions(parts);
  const strips = {
    brush: stroke,
    eraser: stroke,
    polygon: polygonOptions(parts, tools.polygon),
    box: shapeOptions(store),
    transform: transformOptions(store),
    click: tools.click.options,
  };
  const root = el("div", { class: "ct-tool-options", role: "group", "aria-label": "Options of the tool", hidden: true });
  store.watch(["tool", "video"], ({ tool, video }) => {
    const strip = video ? strips[tool] : null;
    root.hidden = !strip;
    root.replaceChildren(...(strip ?? []));
  });
  return root;
}

function strokeOptions({ store, bindings }) {
  const size = slider(store, "brushSize", { label: "Size in pixels of the video", least: 1, most: LARGEST_BRUSH });
  const keys = follow(store, ["keys", "video"], () => `${bindings.keyOf("smallerBrush")} ${bindings.keyOf("largerBrush")}`, { class: "ct-key-cap" });
  return [
    el("label", { class: "ct-field" }, el("span", {}, "Size"), size),
    follow(store, ["brushSize"], ({ brushSize }) => `${brushSize} px`, { class: "ct-value ct-option-value" }),
    keys,
    hint(store, ({ tool }) => (tool === "brush" ? "Shift: erase" : "Shift: paint")),
  ];
}

function modes(store) {
  return choice(store, "shapeMode", "What the shape does to the mask", [
    { value: "add", text: "Add", title: "Add the shape to the mask" },
    { value: "cut", text: "Cut", title: "Cut the shape out of the mask" },
    { value: "replace", text: "Replace", title: "The shape becomes the mask" },
  ]);
}

const shapeOptions = (store) => [modes(store), hint(store, () => "Drag a box")];

function polygonOptions({ store }, polygon) {
  const save = button({ class: "ct-outline ct-slim", onclick: () => polygon.close() }, "Close and save", cap("Enter"));
  const drop = button({ class: "ct-slim", onclick: () => polygon.drop() }, "Drop", cap("Esc"));
  store.watch(["corners"], ({ corners = 0 }) => {
    save.hidden = drop.hidden = corners === 0;
    save.disabled = corners < 3;
  });
  const words = ({ corners = 0 }) => (corners ? `${corners} ${corners === 1 ? "corner" : "corners"}` : "Click corner after corner");
  return [modes(store), hint(store, words, ["corners"]), save, drop];
}

function transformOptions(store) {
  const scope = follow(store, ["selection", "locked", "span", "want", "tracks"], scopeText, { class: "ct-option-scope" });
  return [scope, hint(store, () => "Drag the mask or a corner; arrow keys: 1 px, with Shift 10")];
}

const hint = (store, text, keys = ["tool"]) => follow(store, keys, text, { class: "ct-faint" });

const cap = (text) => el("kbd", { class: "ct-key-cap", "aria-hidden": "true" }, text);
