/* Which key does what at first. In: the parts of the page. Out: bindings (bindings.js) in the order of the help sheet;
   features bring more. */

import { nextSize } from "./brush.js";

export function createKeymap({ store, stage, navigator, commands, timeline, menus, openHelp, escape }) {
  const { state } = store;
  const resize = (direction) => store.set({ brushSize: nextSize(state.brushSize, direction) });
  const toggle = (key) => store.set({ [key]: !state[key] });
  const tool = (name) => store.set({ tool: name });
  const move = (delta) => () => navigator.step(delta);
  const bind = (id, group, keys, text, run, repeats = false) => ({ id, group, keys, text, run, repeats });

  return [
    bind("back", "Move", ["ArrowLeft"], "One frame back", move(-1), true),
    bind("on", "Move", ["ArrowRight"], "One frame on", move(1), true),
    bind("tenBack", "Move", ["Shift+ArrowLeft"], "Ten frames back", move(-10), true),
    bind("tenOn", "Move", ["Shift+ArrowRight"], "Ten frames on", move(10), true),
    bind("previousEdge", "Move", ["Ctrl+ArrowLeft"], "Track's previous start or end", () => navigator.go(nextEdge(state, -1)), true),
    bind("nextEdge", "Move", ["Ctrl+ArrowRight"], "Track's next start or end", () => navigator.go(nextEdge(state, 1)), true),
    bind("firstFrame", "Move", ["Home"], "First frame", () => navigator.go(0)),
    bind("lastFrame", "Move", ["End"], "Last frame", () => navigator.go(state.video ? state.video.length - 1 : 0)),

    bind("select", "Tools", ["V"], "Select and move", () => tool("select")),
    bind("brush", "Tools", ["B"], "Brush", () => tool("brush")),
    bind("eraser", "Tools", ["E"], "Eraser", () => tool("eraser")),
    bind("smallerBrush", "Tools", ["["], "Smaller brush", () => resize(-1), true),
    bind("largerBrush", "Tools", ["]"], "Larger brush", () => resize(1), true),
    bind("escape", "Tools", ["Escape"], "Deselect, back to Select", escape),

    bind("previousTrack", "Tracks", ["ArrowUp"], "Previous track", () => commands.select(neighbour(state, -1)), true),
    bind("nextTrack", "Tracks", ["ArrowDown"], "Next track", () => commands.select(neighbour(state, 1)), true),
    bind("newTrack", "Tracks", ["N"], "New track", () => menus.openNewTrack()),
    bind("category", "Tracks", ["C"], "Change category", () => menus.openCategories()),
    bind("delete", "Tracks", ["Delete", "Backspace"], "Delete track", () => commands.deleteTrack()),
    bind("deleteFrom", "Tracks", ["Shift+Delete", "Shift+Backspace"], "Delete it from here on", () => commands.deleteFromHere()),

    bind("undo", "Edit", ["Ctrl+Z"], "Undo", () => commands.undo(), true),
    bind("redo", "Edit", ["Ctrl+Shift+Z", "Ctrl+Y"], "Redo", () => commands.redo(), true),

    bind("masks", "View", ["H"], "Hide or show masks", () => toggle("showMasks")),
    bind("labels", "View", ["L"], "Hide or show name tags", () => toggle("showLabels")),
    bind("fit", "View", ["F"], "Fit to the stage", () => stage.fit()),
    bind("actualSize", "View", ["1"], "Actual size", () => stage.actualSize()),
    bind("zoomIn", "View", ["+", "="], "Zoom in", () => stage.zoom(1.25), true),
    bind("zoomOut", "View", ["-"], "Zoom out", () => stage.zoom(0.8), true),
    bind("wholeTimeline", "View", ["T"], "Show the whole timeline", () => timeline.fit()),
    bind("help", "View", ["?"], "This sheet", openHelp),
  ];
}

/** Things the mouse does, and the space bar, for the help sheet. */
export const GESTURES = [
  { group: "Move", keys: [" "], text: "Play or pause" },
  { group: "View", caps: ["Wheel"], text: "Zoom where the pointer is" },
  { group: "View", caps: ["Space", "drag"], text: "Move the picture (or the middle button)" },
  { group: "View", caps: ["Ctrl", "wheel"], text: "On the timeline: zoom" },
  { group: "View", caps: ["Shift", "wheel"], text: "On the timeline: scroll" },
];

function neighbour({ tracks, selected }, direction) {
  if (tracks.length === 0) return null;
  const index = tracks.findIndex((track) => track.id === selected);
  if (index < 0) return tracks[direction > 0 ? 0 : tracks.length - 1].id;
  return tracks[Math.max(0, Math.min(tracks.length - 1, index + direction))].id;
}

/** The nearest frame before or after the wanted one at which the selected track begins or ends. */
function nextEdge({ timeline, selected, want, video }, direction) {
  const edges = (timeline[selected] ?? []).flatMap(([start, end]) => [start, end - 1]).sort((a, b) => a - b);
  const beyond = edges.filter((edge) => (direction > 0 ? edge > want : edge < want));
  const fallback = direction > 0 ? (video?.length ?? 1) - 1 : 0;
  return (direction > 0 ? beyond[0] : beyond.at(-1)) ?? fallback;
}
