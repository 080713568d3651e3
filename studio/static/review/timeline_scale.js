/* Frames to pixels and back for the timeline, and where its ruler has marks. Plain arithmetic.
   A range is {start, end} in frames (end exclusive, fractions allowed); width in CSS pixels. */

const FEWEST_FRAMES = 8; // shown at the closest zoom
const LEAST_MARK = 6; // px between two marks of the ruler

export function frameToX(frame, range, width) {
  return ((frame - range.start) / (range.end - range.start)) * width;
}

/** The frame under x, within the video. */
export function xToFrame(x, range, width, length) {
  const frame = Math.floor(range.start + (x / width) * (range.end - range.start));
  return Math.max(0, Math.min(length - 1, frame));
}

/** Zooms by a factor with the frame at x kept in place. */
export function zoomRange(range, x, width, factor, length) {
  const span = range.end - range.start;
  const wanted = Math.max(Math.min(FEWEST_FRAMES, length), Math.min(length, span / factor));
  const anchor = range.start + (x / width) * span;
  return clampRange({ start: anchor - (x / width) * wanted, end: anchor + (1 - x / width) * wanted }, length);
}

export function panRange(range, frames, length) {
  return clampRange({ start: range.start + frames, end: range.end + frames }, length);
}

/** The range shifted, if need be, so that the frame is in it with some room around. */
export function reveal(range, frame, length) {
  const span = range.end - range.start;
  if (frame >= range.start && frame + 1 <= range.end) return range;
  return clampRange({ start: frame - span * 0.2, end: frame + span * 0.8 }, length);
}

function clampRange({ start, end }, length) {
  const span = Math.min(length, end - start);
  const first = Math.max(0, Math.min(length - span, start));
  return { start: first, end: first + span };
}

/** Ruler marks: {step, minor} in frames such that labels stand at least `room` pixels apart. */
export function ticks(range, width, room) {
  const perPixel = (range.end - range.start) / width;
  const least = Math.max(1, perPixel * room);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((candidate) => candidate >= least - 1e-9);
  const parts = [10, 5].find((count) => step >= count && step / count / perPixel >= LEAST_MARK) ?? 1;
  return { step, minor: step / parts };
}

/** Spans [start, end, source] that touch the range, from a list sorted by start. */
export function visibleSpans(spans, range) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle][1] <= range.start) low = middle + 1;
    else high = middle;
  }
  const visible = [];
  for (let i = low; i < spans.length && spans[i][0] < range.end; i++) visible.push(spans[i]);
  return visible;
}

/** "1:02.48" for a frame at a frame rate. */
export function timecode(frame, fps) {
  const seconds = frame / fps;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(2).padStart(5, "0")}`;
}
