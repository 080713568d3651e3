/* The head of the timeline: frame numbers with times, the lane of all marks; and above everything the chosen span and the
   current frame. In: a scene (see rows.js) with `clusters` of all marks. Out: pixels of a canvas. */

import { END, GUTTER, LANE, RULER } from "./geometry.js";
import { drawCluster } from "./mark_shapes.js";
import { clamp, frameToX, ticks } from "./scale.js";
import { secondsOf, spanText, timecode } from "./time.js";

const LABEL_ROOM = 96; // px from one label to the next, if they are short
const LABEL_GAP = 14;

export function drawRuler(context, scene) {
  const { colors, geometry, range, state } = scene;
  const { width, full, stripTop, rowsTop } = geometry;
  context.fillStyle = colors.surface;
  context.fillRect(0, 0, full, stripTop);
  context.fillStyle = colors.sunken;
  context.fillRect(GUTTER, RULER, full - GUTTER, LANE);
  context.font = colors.smallFont;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const widest = labelAt(context, Math.floor(range.end), scene);
  const { step, minor } = ticks(range, width, Math.max(LABEL_ROOM, widest.right - widest.left + LABEL_GAP));
  for (let frame = Math.ceil(range.start / minor) * minor; frame < range.end; frame += minor) {
    const x = GUTTER + frameToX(frame, range, width);
    const major = frame % step === 0;
    context.fillStyle = colors.tick;
    context.fillRect(Math.round(x), RULER - (major ? 9 : 5), 1, major ? 9 : 5);
    if (!major || x + 4 > full) continue;
    const label = labelAt(context, frame, scene);
    context.fillStyle = colors.text;
    context.fillText(label.number, label.left, RULER / 2 - 1);
    context.fillStyle = colors.faint;
    context.fillText(label.time, label.timeLeft, RULER / 2 - 1);
  }
  context.fillStyle = colors.border;
  context.fillRect(0, rowsTop - 1, full, 1);
  drawHeadNames(context, scene);
  for (const cluster of scene.clusters) drawCluster(context, cluster, GUTTER + cluster.x, RULER + LANE / 2, scene);
}

/** The words at a mark of the ruler and where they stand. */
function labelAt(context, frame, { range, geometry, colors, state }) {
  context.font = colors.smallFont;
  const number = String(frame);
  const time = timecode(secondsOf(frame, state));
  const left = GUTTER + frameToX(frame, range, geometry.width) + 4;
  const timeLeft = left + 6 + context.measureText(number).width;
  return { number, time, left, timeLeft, right: timeLeft + context.measureText(time).width };
}

function drawHeadNames(context, { colors, geometry, state }) {
  context.fillStyle = colors.surface;
  context.fillRect(0, 0, GUTTER, geometry.rowsTop - 1);
  context.font = colors.smallFont;
  context.fillStyle = colors.faint;
  context.fillText("Frame", 12, RULER / 2);
  if (state.timelinePreview) return drawPreviewLabel(context, colors);
  return context.fillText("Moments", 12, RULER + LANE / 2);
}

/** Says that the rows show what would be: the thin bars are now, the thick ones then. */
function drawPreviewLabel(context, colors) {
  context.fillStyle = colors.accent;
  context.beginPath();
  context.roundRect(8, RULER + 1, GUTTER - 16, LANE - 2, 4);
  context.fill();
  context.fillStyle = colors.accentText;
  context.fillText("Preview: thin is now", 14, RULER + LANE / 2);
}

/** The chosen span: a band over the rows, edges to drag, its length in words. */
export function drawSpan(context, { state, range, geometry, colors }) {
  const { span } = state;
  if (!span) return;
  const limit = GUTTER + geometry.width + END;
  const left = GUTTER + frameToX(span.start, range, geometry.width);
  const right = GUTTER + frameToX(span.stop, range, geometry.width);
  if (right < GUTTER || left > limit) return;
  const start = Math.max(GUTTER, left);
  const stop = Math.min(limit, right);
  context.fillStyle = colors.accent;
  context.globalAlpha = 0.1;
  context.fillRect(start, geometry.stripTop, stop - start, geometry.height - geometry.stripTop);
  context.globalAlpha = 0.25;
  context.fillRect(start, 0, stop - start, RULER);
  context.globalAlpha = 1;
  for (const edge of [left, right]) {
    if (edge < GUTTER || edge > limit) continue;
    context.fillRect(edge - 1, 0, 2, geometry.height);
    context.beginPath();
    context.roundRect(edge - 4, RULER - 15, 8, 14, 3);
    context.fill();
  }
  drawSpanText(context, spanText(span, state), start, stop, limit, colors);
}

function drawSpanText(context, text, start, stop, limit, colors) {
  context.font = colors.smallFont;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 12;
  const middle = clamp((start + stop) / 2, GUTTER + width / 2, limit - width / 2);
  context.fillStyle = colors.accent;
  context.beginPath();
  context.roundRect(middle - width / 2, RULER + 1, width, LANE - 2, 4);
  context.fill();
  context.fillStyle = colors.accentText;
  context.fillText(text, middle, RULER + LANE / 2 + 0.5);
  context.textAlign = "left";
}

/** Where the flag with the current frame's number stands: {left, width, text}. */
export function flagOf(context, { state, range, geometry, colors }) {
  context.font = colors.font;
  const text = String(state.want);
  const width = context.measureText(text).width + 12;
  const middle = GUTTER + frameToX(state.want + 0.5, range, geometry.width);
  return { text, width, left: clamp(middle - width / 2, GUTTER, GUTTER + geometry.width + END - width) };
}

export function drawCursor(context, scene) {
  const { state, range, geometry, colors } = scene;
  const left = GUTTER + frameToX(state.want, range, geometry.width);
  const right = GUTTER + frameToX(state.want + 1, range, geometry.width);
  if (right < GUTTER || left > GUTTER + geometry.width + END) return;
  context.fillStyle = colors.cursor;
  if (right - left > 3) {
    context.globalAlpha = 0.16;
    context.fillRect(left, RULER, right - left, geometry.height - RULER);
    context.globalAlpha = 1;
  }
  context.fillRect(Math.round((left + right) / 2) - 0.5, 4, 1, geometry.height - 4);
  const flag = flagOf(context, scene);
  context.fillStyle = colors.cursor;
  context.beginPath();
  context.roundRect(flag.left, 3, flag.width, 18, 4);
  context.fill();
  context.fillStyle = colors.surface;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(flag.text, flag.left + flag.width / 2, 12.5);
  context.textAlign = "left";
}

/** Covers the words of the ruler that the current frame's flag would cut in two. */
export function hideLabels(context, scene) {
  const { range, geometry, colors } = scene;
  const flag = flagOf(context, scene);
  const { step } = ticks(range, geometry.width, LABEL_ROOM);
  context.fillStyle = colors.surface;
  for (let frame = Math.floor(scene.state.want / step - 1) * step; frame <= scene.state.want + step; frame += step) {
    if (frame < range.start || frame >= range.end) continue;
    const { left, right } = labelAt(context, frame, scene);
    if (left < flag.left + flag.width + 4 && right > flag.left - 4) context.fillRect(left, 1, right - left, RULER - 10);
  }
}
