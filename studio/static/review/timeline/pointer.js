/* Mouse, pen and touch on the timeline. In: events on its element. Out: calls of the timeline (show, zoom) and of actions
   (go, select, choose a span, open a mark).
     rows: a press selects and scrubs; with Ctrl or Shift it selects more; a double click makes the bar the chosen span
     ruler: a click goes there, a drag moves the view, Shift and drag chooses a span; the flag is dragged to scrub
     strip: a drag chooses a span.   wheel: zoom about the pointer; over the names, or with Alt, rows; with Shift, frames */

import { howToSelect } from "../keys.js";
import { follow } from "./drag.js";
import { clusterAt, nextOf } from "./marks.js";
import { frameToX, panRange, xToBoundary, xToFrame } from "./scale.js";
import { edgeAt, spanBetween } from "./span.js";
import { spanAt } from "./spans.js";

const SLACK = 4; // px a click may wander before it counts as a drag
const FLAG_HEIGHT = 22;

/** actions: {go(frame), select(track, how), open(mark)}; timeline: see timeline.js. */
export function installPointer(timeline, actions) {
  const { area, store } = timeline;
  const guarded = (handler) => (event) => store.state.video && handler(event, timeline.placeOf(event));
  area.addEventListener("pointerdown", guarded((event, place) => down(event, place, timeline, actions)));
  area.addEventListener("dblclick", guarded((event, place) => doubleClick(place, timeline)));
  area.addEventListener("wheel", guarded((event, place) => wheel(event, place, timeline)), { passive: false });
  area.addEventListener("pointermove", guarded((event, place) => {
    if (event.buttons) return;
    area.style.cursor = cursorAt(place, timeline);
    timeline.tip.show(place, event);
  }));
  area.addEventListener("pointerleave", () => timeline.tip.hide());
}

function down(event, place, timeline, actions) {
  if (place.onScrollbar) return;
  timeline.tip.hide();
  if (event.button === 1) return pan(event, timeline);
  if (event.button !== 0) return undefined;
  const mark = markAt(place, timeline);
  if (mark) return actions.open(mark);
  const edge = place.region !== "gutter" && place.row < 0 && edgeOf(place, timeline);
  if (edge) return dragEdge(event, edge, timeline);
  if (place.region === "strip" || (event.shiftKey && place.row < 0)) return chooseSpan(event, place, timeline, actions);
  if (place.row < 0) return place.region === "gutter" ? undefined : ruler(event, place, timeline, actions);
  return pickRow(event, place, timeline, actions);
}

function pickRow(event, place, timeline, actions) {
  const track = timeline.rows[place.row];
  const how = howToSelect(event);
  if (track && !track.isNew) actions.select(track.id, how);
  if (place.region === "gutter" || how.add || how.extend) return;
  scrub(event, place, timeline, actions);
}

function scrub(event, place, timeline, actions) {
  const go = (x) => actions.go(xToFrame(x, timeline.range, timeline.width, timeline.length));
  follow(timeline.area, event, (at) => go(timeline.placeOf(at).x));
  go(place.x);
}

/** A click goes to the frame; a drag moves the view, or, begun on the flag, the frame. */
function ruler(event, place, timeline, actions) {
  if (place.y < FLAG_HEIGHT && timeline.onFlag(place.x)) return scrub(event, place, timeline, actions);
  return pan(event, timeline, () => actions.go(xToFrame(place.x, timeline.range, timeline.width, timeline.length)));
}

function pan(event, timeline, clicked = () => {}) {
  event.preventDefault();
  const { range } = timeline;
  const perPixel = (range.end - range.start) / timeline.width;
  let moved = false;
  const move = ({ clientX }) => {
    moved ||= Math.abs(clientX - event.clientX) > SLACK;
    if (moved) timeline.show(panRange(range, (event.clientX - clientX) * perPixel, timeline.length));
    timeline.area.style.cursor = moved ? "grabbing" : "";
  };
  follow(timeline.area, event, move, () => {
    timeline.area.style.cursor = "";
    if (!moved) clicked();
  });
}

function chooseSpan(event, place, timeline, actions) {
  const boundary = (at) => xToBoundary(timeline.placeOf(at).x, timeline.range, timeline.width, timeline.length);
  const anchor = boundary(event);
  let moved = false;
  const move = (at) => {
    moved ||= Math.abs(at.clientX - event.clientX) > SLACK;
    if (moved) timeline.store.set({ span: spanBetween(anchor, boundary(at), timeline.length) });
  };
  follow(timeline.area, event, move, () => {
    if (!moved) actions.go(xToFrame(place.x, timeline.range, timeline.width, timeline.length));
  });
}

function dragEdge(event, edge, timeline) {
  const fixed = timeline.store.state.span[edge === "start" ? "stop" : "start"];
  follow(timeline.area, event, (at) => {
    const x = timeline.placeOf(at).x;
    const moved = xToBoundary(x, timeline.range, timeline.width, timeline.length);
    timeline.store.set({ span: spanBetween(fixed, moved, timeline.length) });
  });
}

function doubleClick(place, timeline) {
  const track = timeline.rows[place.row];
  if (!track || place.region !== "rows") return;
  const frame = xToFrame(place.x, timeline.range, timeline.width, timeline.length);
  const span = spanAt(timeline.store.state.timeline[track.id] ?? [], frame);
  if (span) timeline.store.set({ span: { start: span[0], stop: span[1] } });
}

function wheel(event, place, timeline) {
  const lines = event.deltaMode === 1 ? 16 : 1;
  const zooming = event.ctrlKey || (!event.altKey && !event.shiftKey && place.x >= 0);
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (!event.ctrlKey && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
    event.preventDefault();
    const frames = ((sideways * lines) / timeline.width) * (timeline.range.end - timeline.range.start);
    timeline.show(panRange(timeline.range, frames, timeline.length));
  } else if (zooming) {
    event.preventDefault();
    const speed = event.ctrlKey ? 0.006 : 0.002;
    timeline.zoom(Math.exp(-event.deltaY * lines * speed), Math.max(0, Math.min(timeline.width, place.x)));
  }
}

function cursorAt(place, timeline) {
  if (markAt(place, timeline)) return "pointer";
  if (place.region === "gutter") return place.row >= 0 ? "pointer" : "default";
  if (place.row < 0 && edgeOf(place, timeline)) return "ew-resize";
  if (place.region === "strip") return "text";
  if (place.row >= 0) return "pointer";
  return place.y < FLAG_HEIGHT && timeline.onFlag(place.x) ? "ew-resize" : "grab";
}

function edgeOf(place, timeline) {
  const toX = (boundary) => frameToX(boundary, timeline.range, timeline.width);
  return edgeAt(timeline.store.state.span, place.x, toX);
}

/** The mark under the pointer, in the lane or in a row; of a cluster the one that comes next. */
export function markAt(place, timeline) {
  const cluster = clusterUnder(place, timeline);
  return cluster ? nextOf(cluster, timeline.store.state.suggestion) : null;
}

export function clusterUnder(place, timeline) {
  if (place.region === "lane") return clusterAt(timeline.clusters, place.x);
  const track = place.region === "rows" ? timeline.rows[place.row] : null;
  return track ? clusterAt(timeline.clustersOf(track.id), place.x) : null;
}

