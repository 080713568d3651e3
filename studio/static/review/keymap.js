/* Which key does what at first. In: the parts of the page. Out: bindings (bindings.js) in the order of the help sheet;
   features bring more. */

import { nextSize } from "./brush.js";
import { needEarlier, needLater, needRedo, needTracks, needUndo, needVideo } from "./reasons.js";

export function createKeymap({ store, stage, navigator, commands, player, pointer, openHelp, escape }) {
  const { state } = store;
  const resize = (direction) => store.set({ brushSize: nextSize(state.brushSize, direction) });
  const toggle = (key) => store.set({ [key]: !state[key] });
  const tool = (name) => store.set({ tool: name });
  const move = (delta) => () => navigator.step(delta);
  const bind = (id, group, keys, text, run, repeats = false, when = null) => ({ id, group, keys, text, run, repeats, when });
  const inVideo = (...binding) => ({ ...bind(...binding), when: needVideo });

  /** A short press plays or pauses; held while dragging it moves the picture. */
  const hold = {
    down: () => pointer.holdSpace(true),
    up: ({ cancelled }) => {
      const usedForPanning = pointer.holdSpace(false);
      if (!usedForPanning && !cancelled) player.toggle();
    },
  };
  return [
    { ...inVideo("play", "Move", [" "], "Play or pause; held while dragging: move the picture", () => player.toggle()), hold },
    bind("back", "Move", ["ArrowLeft"], "One frame back", move(-1), true, needEarlier),
    bind("on", "Move", ["ArrowRight"], "One frame on", move(1), true, needLater),
    bind("tenBack", "Move", ["Shift+ArrowLeft"], "Ten frames back", move(-10), true, needEarlier),
    bind("tenOn", "Move", ["Shift+ArrowRight"], "Ten frames on", move(10), true, needLater),
    bind("firstFrame", "Move", ["Home"], "First frame", () => navigator.go(0), false, needEarlier),
    bind("lastFrame", "Move", ["End"], "Last frame", () => navigator.go(state.video.length - 1), false, needLater),

    bind("select", "Tools", ["V"], "Select and move", () => tool("select")),
    bind("brush", "Tools", ["B"], "Brush", () => tool("brush")),
    bind("eraser", "Tools", ["E"], "Eraser", () => tool("eraser")),
    bind("smallerBrush", "Tools", ["["], "Smaller brush", () => resize(-1), true),
    bind("largerBrush", "Tools", ["]"], "Larger brush", () => resize(1), true),
    bind("escape", "Tools", ["Escape"], "Deselect, back to Select", escape),

    bind("selectAll", "Tracks", ["Ctrl+A"], "Select all tracks", () => commands.selectAll(), false, needTracks),

    bind("undo", "Edit", ["Ctrl+Z"], "Undo", () => commands.undo(), true, needUndo),
    bind("redo", "Edit", ["Ctrl+Shift+Z", "Ctrl+Y"], "Redo", () => commands.redo(), true, needRedo),

    bind("masks", "View", ["H"], "Hide or show masks", () => toggle("showMasks")),
    bind("labels", "View", ["L"], "Hide or show name tags", () => toggle("showLabels")),
    inVideo("fit", "View", ["F"], "Fit to the stage", () => stage.fit()),
    inVideo("actualSize", "View", ["1"], "Actual size", () => stage.actualSize()),
    inVideo("zoomIn", "View", ["+", "="], "Zoom in", () => stage.zoom(1.25), true),
    inVideo("zoomOut", "View", ["-"], "Zoom out", () => stage.zoom(0.8), true),
    bind("help", "View", ["?"], "This sheet", openHelp),
  ];
}

/** Things the mouse does, for the help sheet. */
export const GESTURES = [
  { group: "View", caps: ["Wheel"], text: "Zoom where the pointer is" },
  { group: "View", caps: ["Middle button"], text: "Drag: move the picture" },
  { group: "Timeline", caps: ["Wheel"], text: "Zoom about the pointer; over the names: other tracks" },
  { group: "Timeline", caps: ["Shift", "wheel"], text: "Other frames (or drag the ruler)" },
  { group: "Timeline", caps: ["Shift", "drag"], text: "On the ruler: choose a range (or drag the pictures)" },
  { group: "Timeline", caps: ["Double click"], text: "On a bar: choose it as the range" },
];
