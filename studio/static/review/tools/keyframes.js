/* Between which two masks of a track to interpolate: those that a person drew or verified, nearest to a frame.
   In: spans of frames of a track, [start, stop, source] and verified [start, stop], stop exclusive. Out: [first, last] or null. */

/** The keyframes around a frame with something in between; at a keyframe, those before it come first. */
export function keyframesAround(frame, spans, verified = []) {
  const keys = joined([...spans.filter(([, , source]) => source === "user"), ...verified]);
  const after = keys.findIndex(([start]) => start > frame);
  const last = after < 0 ? keys.length : after; // keys[last - 1] begins at or before the frame
  const held = last > 0 && frame < keys[last - 1][1];
  const gaps = held ? [last - 1, last] : [last];
  for (const gap of gaps) if (gap > 0 && gap < keys.length) return [keys[gap - 1][1] - 1, keys[gap][0]];
  return null;
}

/** Spans in order, those that touch or overlap as one. */
function joined(spans) {
  const found = [];
  for (const [start, stop] of spans.sort((a, b) => a[0] - b[0])) {
    const before = found.at(-1);
    if (before && start <= before[1]) before[1] = Math.max(before[1], stop);
    else found.push([start, stop]);
  }
  return found;
}
