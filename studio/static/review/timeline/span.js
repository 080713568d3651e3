/* The span of frames a person has chosen: {start, stop (exclusive)} or null, the state key `span`.
   In: spans and frames. Out: other spans. Plain arithmetic. */

/** The span between two boundaries in either order, at least one frame long; null for a video without frames. */
export function spanBetween(one, other, length) {
  const start = Math.max(0, Math.min(one, other, length - 1));
  return { start, stop: Math.min(length, Math.max(one, other, start + 1)) };
}

/** The span that begins with this frame: to the end it had, or to the last frame. */
export function startingAt(frame, span, length) {
  return { start: frame, stop: span && span.stop > frame ? span.stop : length };
}

/** The span whose last frame this is: from the start it had, or from the first frame. */
export function endingAt(frame, span) {
  return { start: span && span.start <= frame ? span.start : 0, stop: frame + 1 };
}

/** Which boundary of the span lies within reach: "start", "stop" or null. toX: boundary -> px. */
export function edgeAt(span, x, toX, reach = 6) {
  if (!span) return null;
  const distances = { start: Math.abs(x - toX(span.start)), stop: Math.abs(x - toX(span.stop)) };
  const nearest = distances.start < distances.stop ? "start" : "stop";
  return distances[nearest] <= reach ? nearest : null;
}
