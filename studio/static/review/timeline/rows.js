/* The rows of the timeline: a track's name, its bar of presence, what is verified, how sure the model was, its marks.
   In: a scene {state, range, geometry, colors, patterns, pixels, ratio, rows, marks: Map by track}. Out: pixels of a canvas.
   A source is told by its form: the model's bar is pale; a person's is solid with a line below; a propagated one is striped;
   an interpolated one has gaps. A line above the bar: verified. */

import { trackColor } from "../tracks/color.js";
import { shorten } from "./colors.js";
import { BAR, END, GUTTER, ROW, rowsInSight } from "./geometry.js";
import { heatSteps } from "./heat.js";
import { clustersOf } from "./marks.js";
import { drawCluster } from "./mark_shapes.js";
import { runsOf, SOURCES } from "./spans.js";

const FAINT = 0.35; // of tracks that the stage does not show
const PALE = 0.55; // of the model's masks
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
  const { geometry, rows, ratio, pixels, state } = scene;
  context.save();
  context.beginPath();
  context.rect(0, geometry.rowsTop, geometry.full, geometry.rowsHeight);
  context.clip();
  pixels.begin(Math.round(geometry.width * ratio), Math.round(geometry.rowsHeight * ratio) || 1);
  const [first, last] = rowsInSight(geometry, rows.length);
  const shown = rows.slice(first, last).map((track, i) => {
    const alpha = (state.solo === null ? state.hidden.has(track.id) : track.id !== state.solo) ? FAINT : 1;
    const color = track.isNew ? scene.colors.muted : trackColor(track, state);
    return { track, color, alpha, top: (first + i) * ROW - geometry.scrollTop, runs: runsOfRow(scene, track) };
  });
  for (const row of shown) {
    drawGround(context, scene, row);
    drawName(context, scene, row);
    fillRow(scene, row);
  }
  pixels.draw(context, GUTTER, geometry.rowsTop, ratio);
  context.beginPath();
  context.rect(GUTTER, geometry.rowsTop, geometry.width + END, geometry.rowsHeight);
  context.clip();
  for (const row of shown) drawOver(context, scene, row);
  context.restore();
}

/** Runs of a row's spans by the bar that they belong to: as it is, as it would be, what is verified, how unsure. */
function runsOfRow({ state, range, geometry, ratio }, { id }) {
  const columns = Math.round(geometry.width * ratio);
  const now = runsOf(state.timeline[id] ?? [], range, columns);
  const preview = state.timelinePreview;
  if (preview) return { bars: [[now, NOW], [runsOf(preview[id] ?? [], range, columns), THEN]], verified: null, heat: null };
  const verified = runsOf(state.verified?.[id] ?? [], range, columns);
  const scores = state.confidence?.tracks[id];
  const heat = scores ? heatSteps(scores, state.video.length, range, Math.round(geometry.width / HEAT_STEP)) : null;
  return { bars: [[now, BAR]], verified, heat };
}

function drawGround(context, { state, colors, geometry }, { track, top: within }) {
  const { selected, selection, hovered } = state;
  const top = geometry.rowsTop + within;
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
}

function drawName(context, { colors, state, geometry }, { track, top: within, color, alpha }) {
  const top = geometry.rowsTop + within;
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

/** Puts a row's bars, what is verified and the heat into the picture of all rows. */
function fillRow(scene, { top, runs, color, alpha }) {
  const { pixels, colors, ratio } = scene;
  const y = (offset) => Math.round((top + offset) * ratio);
  const tall = (height) => Math.max(1, Math.round(height * ratio));
  for (const [all, bar] of runs.bars) {
    const present = touching(all);
    const narrow = present.filter(({ left, right }) => right - left < LEAST_PALE * ratio);
    const corrected = { runs: all.filter(({ bits }) => bits & SOURCES.user), color, alpha, least: Math.round(1.5 * ratio) };
    const solid = { runs: present, color, alpha };
    pixels.fill(y(bar.top), tall(bar.height), [{ ...solid, alpha: PALE * alpha }, { ...solid, runs: narrow }, corrected]);
    pixels.fill(y(bar.top), tall(1), [solid, corrected]); // an edge, so that a pale bar is seen on any ground
    pixels.fill(y(bar.bottom), tall(2), [{ ...corrected, color: colors.text, least: tall(2) }]);
  }
  if (runs.verified) pixels.fill(y(BAR.verified), tall(2), [{ runs: runs.verified, color: colors.success, alpha, least: tall(2) }]);
  if (runs.heat) pixels.fillSteps(runs.heat, y(BAR.heat), ratio, colors.heat, alpha);
}

/** Stripes, gaps and marks, over the picture. */
function drawOver(context, scene, { track, top: within, runs, alpha }) {
  const { range, geometry, patterns, ratio, marks } = scene;
  const top = geometry.rowsTop + within;
  context.globalAlpha = alpha;
  for (const [all, bar] of runs.bars) {
    for (const source of ["propagated", "interpolated"]) {
      context.fillStyle = patterns[source];
      for (const { left, right, bits } of all) {
        if (!(bits & SOURCES[source]) || right - left < LEAST_PATTERN * ratio) continue;
        context.fillRect(GUTTER + left / ratio, top + bar.top + 1, (right - left) / ratio, bar.height - 1);
      }
    }
  }
  context.globalAlpha = 1;
  for (const cluster of clustersOf(marks.get(track.id) ?? [], range, geometry.width)) {
    drawCluster(context, cluster, GUTTER + cluster.x, top + ROW / 2 - 1, scene);
  }
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
