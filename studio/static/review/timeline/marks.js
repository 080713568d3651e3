/* Marks of the timeline: suspicious moments and comments, those too near to each other shown as one with their number.
   In: the store's suggestions and comments. Out: marks {kind, id, frame, track, weight, text, item} sorted by frame, and
   clusters of them. Draws nothing; no mark is ever left out. */

import { frameToX } from "./scale.js";

const ROOM = 13; // px that a mark takes; nearer ones are joined

/** Open suggestions and unresolved comments with a frame; a suggestion about two tracks is a mark of both. */
export function marksOf({ suggestions = [], comments = [] }) {
  const doubts = suggestions.filter(({ state }) => (state ?? "open") === "open").map((item) => ({
    kind: "suggestion", id: item.id, frame: item.frame, tracks: [item.track, item.other].filter((id) => id != null),
    weight: item.severity ?? 0, text: item.reason, item,
  }));
  const pins = comments.filter(({ frame, resolved_at: settled }) => frame != null && !settled).map((item) => ({
    kind: "comment", id: item.id, frame: item.frame, tracks: item.track_id == null ? [] : [item.track_id],
    weight: 0, text: `${item.user}: ${item.text}`, item,
  }));
  return [...doubts, ...pins].sort((a, b) => a.frame - b.frame || b.weight - a.weight);
}

/** Marks by track: a Map from the track's id to its marks in the order of frames. */
export function marksByTrack(marks) {
  const byTrack = new Map();
  for (const mark of marks) {
    for (const track of mark.tracks) {
      if (!byTrack.has(track)) byTrack.set(track, []);
      byTrack.get(track).push(mark);
    }
  }
  return byTrack;
}

/** Marks in sight as clusters {x, marks, kind}: x (px) of the first one, kind "mixed" when both are in it. */
export function clustersOf(marks, range, width, room = ROOM) {
  const clusters = [];
  for (const mark of inSight(marks, range)) {
    const x = frameToX(mark.frame + 0.5, range, width);
    const last = clusters.at(-1);
    if (last && x - last.x < room) {
      last.marks.push(mark);
      if (last.kind !== mark.kind) last.kind = "mixed";
    } else clusters.push({ x, marks: [mark], kind: mark.kind });
  }
  return clusters;
}

/** The cluster within reach of x, the nearest one; null without one. */
export function clusterAt(clusters, x, reach = ROOM / 2 + 1) {
  const near = clusters.filter((cluster) => Math.abs(cluster.x - x) <= reach);
  return near.sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0] ?? null;
}

/** Which mark of a cluster a click goes to: the next one after what is shown, the worst one first. */
export function nextOf(cluster, current) {
  const order = [...cluster.marks].sort((a, b) => b.weight - a.weight || a.frame - b.frame);
  const place = order.findIndex(({ kind, id }) => kind === "suggestion" && id === current);
  return order[(place + 1) % order.length];
}

function inSight(marks, range) {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle].frame + 1 <= range.start) low = middle + 1;
    else high = middle;
  }
  let stop = low;
  while (stop < marks.length && marks[stop].frame < range.end) stop++;
  return marks.slice(low, stop);
}
