/* Spans of presence [start, stop (exclusive), source], sorted by start: looked up by bisection, and laid on columns of
   pixels so that many spans of one pixel are drawn as one. Plain arithmetic; spans without a source are verified ones. */

/** Bits of a run: which sources it holds. A source that is not known here counts as the model's. */
export const SOURCES = { model: 1, user: 2, propagated: 4, interpolated: 8 };

/** Index of the first span that ends after the frame. */
export function firstAfter(spans, frame) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle][1] <= frame) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Spans that touch the range. */
export function visibleSpans(spans, range) {
  const first = firstAfter(spans, range.start);
  let stop = first;
  while (stop < spans.length && spans[stop][0] < range.end) stop++;
  return spans.slice(first, stop);
}

/** The span that holds the frame, or null. */
export function spanAt(spans, frame) {
  const span = spans[firstAfter(spans, frame)];
  return span && span[0] <= frame ? span : null;
}

/** How many frames the spans cover. */
export function coverage(spans) {
  return spans.reduce((sum, [start, stop]) => sum + stop - start, 0);
}

/** Spans in sight as runs {left, right, bits} on `columns` columns over the range, from left to right. Every span in sight
 *  has at least one column; a column that several spans share has the bits of all of them. */
export function runsOf(spans, range, columns) {
  const bits = new Uint8Array(columns);
  const scale = columns / (range.end - range.start);
  for (let i = firstAfter(spans, range.start); i < spans.length && spans[i][0] < range.end; i++) {
    const left = Math.min(columns - 1, Math.max(0, Math.round((spans[i][0] - range.start) * scale)));
    const right = Math.min(columns, Math.max(left + 1, Math.round((spans[i][1] - range.start) * scale)));
    const bit = SOURCES[spans[i][2]] ?? SOURCES.model;
    for (let column = left; column < right; column++) bits[column] |= bit;
  }
  return joined(bits);
}

/** Neighbouring columns with the same bits as runs; columns without any are left out. */
function joined(bits) {
  const runs = [];
  for (let left = 0, right; left < bits.length; left = right) {
    right = left + 1;
    while (right < bits.length && bits[right] === bits[left]) right++;
    if (bits[left]) runs.push({ left, right, bits: bits[left] });
  }
  return runs;
}

/** The nearest frame before (-1) or after (1) a frame at which one of the lists of spans begins or ends; null without one. */
export function nextChange(lists, frame, direction) {
  let best = null;
  for (const [start, stop] of lists.flat()) {
    for (const edge of [start, stop - 1]) {
      const nearer = best === null || (direction > 0 ? edge < best : edge > best);
      if ((direction > 0 ? edge > frame : edge < frame) && nearer) best = edge;
    }
  }
  return best;
}
