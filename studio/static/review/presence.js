/* Where tracks have masks. In: the state, and the session, which knows the masks that are drawn and not saved yet, too. Out: whether
   there is one. Frames are ordinals; a range is start..stop - 1. */

import { spanAt, visibleSpans } from "./timeline/spans.js";

/** Whether a track has a mask in a frame: by the masks, where they are known, else by its bar. */
export function hasMask(session, { timeline }, track, frame) {
  const entries = session.masks?.peek(frame);
  return entries ? entries.some((entry) => entry.track === track) : spanAt(timeline[track] ?? [], frame) !== null;
}

/** Whether a track has a mask in a range: by its bar, and by the masks of the frame on show, which the bar may not know yet. */
export function hasMaskWithin(session, state, track, start, stop) {
  const { timeline, want } = state;
  const known = visibleSpans(timeline[track] ?? [], { start, end: stop }).length > 0;
  return known || (want >= start && want < stop && hasMask(session, state, track, want));
}
