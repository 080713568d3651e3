/* The rows of the timeline: a track's name, its bar of presence, what is verified, how sure the model was, its marks.
   In: a scene {state, range, geometry, colors, patterns, ratio, rows, marks: Map by track}. Out: pixels of a canvas.
   A source is told by its form: the model's bar is pale; a person's is solid with a line below; a propagated one is striped;
   an interpolated one has gaps. A line above the bar: verified. */

import { trackColor } from "../tracks/color.js";
import { shorten } from "./colors.js";
import { BAR, END, GUTTER, ROW, rowsInSight } from "./geometry.js";
import { drawHeat, heatRuns } from "./heat.js";
import { clustersOf } from "./marks.js";
import { drawCluster } from "./mark_shapes.js";
import { runsOf, SOURCES } from "./spans.js";

const FAINT = 0.35; // of tracks that the stage does not show
const LEAST_PALE = 2; // px; what is narrower is solid, so that it is seen
const LEAST_PATTERN = 3; // px that a run needs for its stripes or gaps to be seen
const HEAT_STEP = 3; // px of one column of heat
const NOW = { top: 4, height: 3, bottom: 7 }; // the bar as it is, while a preview is shown
const THEN = { top: 9, height: 8, bottom: 17 };

/** The tracks that have a row, in the order of the list; while a preview is shown, its new tracks below. */
export function rowsOf({ tracks, listed, timelinePreview }) {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  const shown = listed ? listed.map((id) => byId.get(id)).filter(Boolean) : tracks;
  if (!timelinePreview) return shown;
  const ids = Object.keys(timelinePreview).map(Number).filter((id) => !byId.has(id));
  return [...shown, ...ids.sort((a, b) => a - b).map((id) => ({ id, category: "new", color: null, isNew: true }))];
}

export function drawRows(context, scene) {
  const { geometry, rows } = scene;
  context.save();
  context.beginPath();
  context.rect(0, geometry.rowsTop, geometry.full, geometry.rowsHeight);
  context.clip();
  const [first, last] = rowsInSight(geometry, rows.length);
  for (let row = first; row < last; row++) {
    drawRow(context, scene, rows[row], geometry.rowsTop + row * ROW - geometry.scrollTop);
  }
  context.restore();
}

function drawRow(context, scene, track, top) {
  const { state, colors, geometry } = scene;
  const { selected, selection, hovered, hidden, solo } = state;
  const chosen = track.id === selected || selection?.includes(track.id);
  if (chosen || track.id === hovered) {
    context.fillStyle = chosen ? colors.selected : colors.hover;
    context.fillRect(0, top, geometry.full, ROW);
  }
  if (track.id === selected) {
    context.fillStyle = colors.accent;
    context.fillRect(0, top, 3, ROW - 1);
  }
  context.fillStyle = colors.line;
  context.fillRect(0, top + ROW - 1, geometry.full, 1);
  const color = track.isNew ? colors.muted : trackColor(track, state);
  const alpha = (solo === null ? hidden.has(track.id) : track.id !== solo) ? FAINT : 1;
  drawName(context, scene, track, top, color, alpha);
  context.save();
  context.beginPath();
  context.rect(GUTTER, top, geometry.width + END, ROW);
  context.clip();
  drawContent(context, scene, track, top, color, alpha);
  context.restore();
}

function drawName(context, { colors, state }, track, top, color, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(12, top + 7, 10, 10, 2.5);
  context.fill();
  context.font = colors.font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = colors.text;
  const name = [track.id, track.category].filter((part) => part !== null && part !== undefined).join("  ");
  const locked = state.locked?.has(track.id);
  context.fillText(shorten(context, name, GUTTER - (locked ? 56 : 40)), 30, top + ROW / 2);
  if (locked) drawLock(context, colors.muted, GUTTER - 20, top + 7);
  context.globalAlpha = 1;
}

function drawLock(context, color, left, top) {
  context.fillStyle = color;
  context.fillRect(left, top + 4, 9, 6);
  context.strokeStyle = color;
  context.lineWidth = 1.4;
  context.beginPath();
  context.arc(left + 4.5, top + 4, 2.8, Math.PI, 0);
  context.stroke();
}

function drawContent(context, scene, track, top, color, alpha) {
  const { state, range, geometry, colors, ratio, marks } = scene;
  const columns = Math.round(geometry.width * ratio);
  const draw = (spans, bar) => drawBar(context, scene, runsOf(spans, range, columns), top, bar, color, alpha);
  const preview = state.timelinePreview;
  if (preview) {
    draw(state.timeline[track.id] ?? [], NOW);
    draw(preview[track.id] ?? [], THEN);
  } else {
    draw(state.timeline[track.id] ?? [], BAR);
    drawVerified(context, scene, runsOf(state.verified?.[track.id] ?? [], range, columns), top, alpha);
  }
  const scores = state.confidence?.tracks[track.id];
  if (scores && !preview) {
    context.globalAlpha = alpha;
    const runs = heatRuns(scores, state.video.length, range, Math.round(geometry.width / HEAT_STEP));
    drawHeat(context, runs, GUTTER, top + BAR.heat, BAR.heatHeight, colors.heat, 1 / HEAT_STEP);
  }
  context.globalAlpha = 1;
  for (const cluster of clustersOf(marks.get(track.id) ?? [], range, geometry.width)) {
    drawCluster(context, cluster, GUTTER + cluster.x, top + ROW / 2 - 1, scene);
  }
}

function drawBar(context, { colors, patterns, ratio }, runs, top, bar, color, alpha) {
  const fill = (run, y, height, least = 0) =>
    context.fillRect(GUTTER + run.left / ratio, y, Math.max(least, (run.right - run.left) / ratio), height);
  const having = (bit) => runs.filter(({ bits }) => bits & bit);
  const present = touching(runs);
  const isWide = ({ left, right }) => right - left >= LEAST_PALE * ratio;
  const wide = present.filter(isWide);
  const corrected = having(SOURCES.user);
  context.fillStyle = color;
  context.globalAlpha = 0.55 * alpha;
  for (const run of wide) fill(run, top + bar.top, bar.height);
  context.globalAlpha = alpha;
  for (const run of wide) fill(run, top + bar.top, 1); // an edge, so that a pale bar is seen on any ground
  for (const run of present) if (!isWide(run)) fill(run, top + bar.top, bar.height);
  for (const run of corrected) fill(run, top + bar.top, bar.height, 1.5);
  for (const source of ["propagated", "interpolated"]) {
    context.fillStyle = patterns[source];
    for (const run of having(SOURCES[source])) {
      if (run.right - run.left >= LEAST_PATTERN * ratio) fill(run, top + bar.top + 1, bar.height - 1);
    }
  }
  context.fillStyle = colors.text;
  for (const run of corrected) fill(run, top + bar.bottom, 2, 2);
  context.globalAlpha = 1;
}

/** Runs that touch as one, whatever their sources. */
function touching(runs) {
  const joined = [];
  for (const { left, right } of runs) {
    const last = joined.at(-1);
    if (last?.right === left) last.right = right;
    else joined.push({ left, right });
  }
  return joined;
}

function drawVerified(context, { colors, ratio }, runs, top, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = colors.success;
  for (const { left, right } of runs) {
    context.fillRect(GUTTER + left / ratio, top + BAR.verified, Math.max(2, (right - left) / ratio), 2);
  }
  context.globalAlpha = 1;
}
