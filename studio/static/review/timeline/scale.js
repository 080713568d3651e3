/* Frames to pixels and back for the timeline, and where its ruler has marks. Plain arithmetic.
   A range is {start, end} in frames (end exclusive, fractions allowed); width in CSS pixels. */

const FEWEST_FRAMES = 8; // shown at the closest zoom
const LEAST_MARK = 6; // px between two marks of the ruler

export function frameToX(frame, range, width) {
  return ((frame - range.start) / (range.end - range.start)) * width;
}

/** The frame under x, within the video. */
export function xToFrame(x, range, width, length) {
  return clamp(Math.floor(range.start + (x / width) * (range.end - range.start)), 0, length - 1);
}

/** The boundary between two frames nearest to x, 0 to length: where a range may begin or end. */
export function xToBoundary(x, range, width, length) {
  return clamp(Math.round(range.start + (x / width) * (range.end - range.start)), 0, length);
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

/** A range that shows the frames start .. stop - 1 with a little room on both sides. */
export function around({ start, stop }, length) {
  const span = Math.max(FEWEST_FRAMES, stop - start) * 1.1;
  const middle = (start + stop) / 2;
  return clampRange({ start: middle - span / 2, end: middle + span / 2 }, length);
}

export function clampRange({ start, end }, length) {
  const span = Math.min(length, end - start);
  const first = clamp(start, 0, length - span);
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

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
