/* The tools on the stage as a feature: keys, buttons, the strip with the options of the one in use.
   In: the parts of the page. Out: {bindings, toolbar, stage}, see features.js. */

import { nextSize } from "../brush.js";
import { hasMask } from "../presence.js";
import { needDetections } from "../reasons.js";
import { el } from "../dom.js";
import { commandButton, iconButton } from "../toolbar.js";
import { createPopover } from "../popover.js";
import { createBoxTool } from "./box.js";
import { createClickTool } from "./click.js";
import { createOptions } from "./options.js";
import { createPolygonTool } from "./polygon.js";
import { createRefinePanel } from "./refine_panel.js";
import { createRefining } from "./refining.js";
import { needMasks } from "./scope.js";
import { createSelectTool } from "./select.js";
import { createStrokeTools } from "./stroke.js";
import { createTransformTool } from "./transform.js";

/** In the order of the toolbar; a binding and an icon of the same name belong to each. */
const TOOLS = [
  ["select", "V", "Select and move"],
  ["brush", "B", "Brush"],
  ["eraser", "E", "Eraser"],
  ["polygon", "P", "Polygon"],
  ["box", "R", "Box"],
  ["transform", "W", "Move and scale a mask"],
  ["click", "K", "Click an object"],
];

export function createTools(parts) {
  const { store, session, pointer } = parts;
  const tools = {
    select: createSelectTool(parts),
    ...createStrokeTools(parts),
    polygon: createPolygonTool(parts),
    box: createBoxTool(parts),
    transform: createTransformTool(parts),
    click: createClickTool(parts),
  };
  for (const [name, tool] of Object.entries(tools)) pointer.addTool(name, tool);

  const resize = (direction) => () => store.set({ brushSize: nextSize(store.state.brushSize, direction) });
  const atEnd = (direction, text) => ({ brushSize }) => (nextSize(brushSize, direction) === brushSize ? text : null);
  const here = needMasks(session);
  const toErase = (state) => here(state) ?? (hasMask(session, state, state.selected, state.want) ? null : `Track ${state.selected} has no mask in this frame.`);
  const whys = { eraser: toErase, transform: here, click: needDetections };
  const bindings = [
    ...TOOLS.map(([id, key, text]) => ({ id, group: "Tools", keys: [key], text, when: whys[id] ?? null, run: () => store.set({ tool: id }) })),
    { id: "smallerBrush", group: "Tools", keys: ["["], text: "Smaller brush", run: resize(-1), repeats: true, when: atEnd(-1, "The brush is as small as it gets.") },
    { id: "largerBrush", group: "Tools", keys: ["]"], text: "Larger brush", run: resize(1), repeats: true, when: atEnd(1, "The brush is as large as it gets.") },
    ...createRefining(parts),
  ];
  return {
    bindings,
    toolbar: [toolGroup(parts), maskGroup(parts)],
    stage: [createOptions(parts, tools)],
  };
}

function toolGroup(parts) {
  const buttons = TOOLS.map(([name]) => commandButton(parts, name, name));
  parts.store.watch(["tool"], ({ tool }) => {
    buttons.forEach((element, i) => element.setAttribute("aria-pressed", String(TOOLS[i][0] === tool)));
  });
  return el("div", { class: "ct-group ct-segments", role: "group", "aria-label": "Tool" }, buttons);
}

function maskGroup(parts) {
  const refine = iconButton("refine", "Refine masks");
  return el(
    "div",
    { class: "ct-group", role: "group", "aria-label": "Masks of the selected tracks" },
    refine,
    createPopover(refine, "Refine masks", createRefinePanel(parts)),
    commandButton(parts, "copyPrevious", "copyPrevious"),
    commandButton(parts, "copyNext", "copyNext"),
    commandButton(parts, "interpolate", "interpolate"),
    commandButton(parts, "behind", "putBehind"),
  );
}
