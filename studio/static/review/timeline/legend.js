/* What the marks of the timeline mean, each drawn by the very functions that draw the timeline.
   In: the parts of the page. Out: a button with the panel that it opens, and the list alone, for the help sheet. */

import { button, el } from "../dom.js";
import { icon } from "../icons.js";
import { createPopover } from "../popover.js";
import { END, GUTTER, ROW } from "./geometry.js";
import { RowPixels } from "./row_pixels.js";
import { drawRows } from "./rows.js";
import { drawCursor, drawSpan } from "./ruler.js";
import { SOURCES } from "./spans.js";

const TITLE = "Legend of the timeline";
const WIDTH = 56; // px of a sample
const FRAMES = 10;
const TRACK = 1;
const WHOLE = [[0, FRAMES, "model"]];
const SOURCE_TEXTS = {
  model: "found by the model", user: "drawn by a person", propagated: "carried from another frame", interpolated: "interpolated",
};

/** Texts and what of the timeline's state each is drawn from. */
const SAMPLES = [
  ...Object.keys(SOURCES).map((source) => [SOURCE_TEXTS[source] ?? source, { spans: [[1, FRAMES - 1, source]] }]),
  ["verified: the line above", { verified: [[1, FRAMES - 1]] }],
  ["the model was unsure: the higher, the less sure", { scores: Array.from({ length: FRAMES }, (_, i) => 0.9 - i / FRAMES) }],
  ["hidden on the picture", { hidden: new Set([TRACK]) }],
  ["suspicious moment", { marks: [mark("suggestion", 4)] }],
  ["the moment that is open", { marks: [mark("suggestion", 4)], suggestion: 0 }],
  ["note", { marks: [mark("comment", 4)] }],
  ["several at one place", { marks: [mark("suggestion", 4), mark("suggestion", 5), mark("suggestion", 5)] }],
  ["chosen range", { span: { start: 2, stop: FRAMES - 2 } }],
  ["frame on show", { want: 5 }],
  ["preview: thin is now, thick would be", { preview: [[3, FRAMES, "model"]] }],
];

function mark(kind, frame) {
  return { kind, id: 0, frame, weight: 0 };
}

/** The list; `draw` draws the samples as the timeline looks now. */
export function createSigns(timeline) {
  const signs = SAMPLES.map(([text, sample]) => ({ text, sample, canvas: el("canvas", { class: "ct-sign", "aria-hidden": "true" }) }));
  const rows = signs.map(({ text, canvas }) => el("div", {}, el("dt", {}, canvas), el("dd", {}, text)));
  const draw = () => signs.forEach(({ canvas, sample }) => drawSample(canvas, sample, timeline.theme));
  return { root: el("dl", { class: "ct-signs" }, rows), title: TITLE, draw };
}

export function createLegend({ bindings, timeline }) {
  const signs = createSigns(timeline);
  const open = button({ class: "ct-icon-button" }, icon("legend"));
  const panel = createPopover(open, TITLE, signs.root);
  panel.addEventListener("beforetoggle", signs.draw);
  bindings.add([{ id: "timelineLegend", group: "Timeline", keys: ["Alt+T"], text: TITLE, run: () => open.click() }]);
  return el("div", { class: "ct-group" }, bindings.hint(open, "timelineLegend"), panel);
}

/** A piece of a timeline with a single row, without its names. */
function drawSample(canvas, { spans = WHOLE, verified, scores, marks = [], preview, span = null, want, ...looks }, { colors, patterns }) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: WIDTH * ratio, height: ROW * ratio });
  const track = { id: TRACK, category: null, color: colors.accent };
  const state = {
    tracks: [track], timeline: { [TRACK]: spans }, verified: { [TRACK]: verified ?? [] }, video: { length: FRAMES, fps: 1 },
    confidence: scores ? { tracks: { [TRACK]: scores } } : null, timelinePreview: preview ? { [TRACK]: preview } : null,
    selected: null, selection: [], hidden: new Set(), solo: null, suggestion: null, colorBy: "track", span, want, ...looks,
  };
  const scene = {
    state, colors: { ...colors, line: "transparent" }, patterns, ratio, pixels: new RowPixels(), rows: [track],
    range: { start: 0, end: FRAMES }, marks: new Map([[TRACK, marks]]),
    geometry: { full: GUTTER + WIDTH + END, width: WIDTH, height: ROW, scrollTop: 0, stripTop: 0, rowsTop: 0, rowsHeight: ROW },
  };
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, -GUTTER * ratio, 0);
  drawRows(context, scene);
  drawSpan(context, scene);
  if (want !== undefined) drawCursor(context, scene);
}
