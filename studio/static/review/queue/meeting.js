/* Which frames to look at to judge a moment or two tracks. In: spans of presence [start, stop (exclusive), source] of tracks, sorted.
   Out: frame numbers. Plain arithmetic; shows nothing. */

const SUDDEN = new Set(["switch", "hesitation", "jump", "area", "flicker"]); // from one frame to the next

/** The last frame before a moment in which its track is there, and the frame of the moment; of a track that ends, its last frame
 *  and the next one; null where nothing is sudden. */
export function framesAbout({ kind, track, frame }, timeline) {
  if (kind === "departure") return [frame, frame + 1];
  if (!SUDDEN.has(kind)) return null;
  const before = (timeline[track] ?? []).findLast(([start]) => start < frame);
  return before ? [Math.min(before[1], frame) - 1, frame] : null;
}

/** Where one track ends and another one begins, or a frame that has both: a frame of each, in the order of the arguments. Of several
 *  such places the one with the fewest frames between them; null where a track has no masks. */
export function meeting(first, second) {
  const places = first.flatMap((span) => second.map((other) => between(span, other)));
  if (places.length === 0) return null;
  const gap = ([one, other]) => Math.abs(one - other);
  return places.reduce((best, place) => (gap(place) < gap(best) ? place : best));
}

function between([start, stop], [otherStart, otherStop]) {
  if (stop <= otherStart) return [stop - 1, otherStart];
  if (otherStop <= start) return [start, otherStop - 1];
  const both = Math.max(start, otherStart);
  return [both, both];
}
