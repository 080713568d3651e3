/* Frames as moments: the source's own timestamps where it has them, its frame rate where not.
   In: a video's facts and `times` (seconds per frame, or null). Out: seconds, seconds in words, and the frame of a moment. */

const HALF_A_HUNDREDTH = 0.005; // s: times are written in hundredths

/** When a frame is shown, in seconds from the first one. */
export function secondsOf(frame, { video, times }) {
  if (times && frame < times.length) return times[frame] - times[0];
  return frame / video.fps;
}

/** How long the frames start .. stop - 1 last; the last frame of a video lasts as long as a usual one. */
export function secondsBetween({ start, stop }, state) {
  const { video, times } = state;
  const end = times && stop >= times.length ? secondsOf(stop - 1, state) + 1 / video.fps : secondsOf(stop, state);
  return end - secondsOf(start, state);
}

/** "1:02.48" for seconds, "1:22:18.24" from an hour on. */
export function timecode(seconds) {
  const hundredths = Math.round(seconds * 100);
  const minutes = Math.floor(hundredths / 6000);
  const rest = ((hundredths - minutes * 6000) / 100).toFixed(2).padStart(5, "0");
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** The frame that a person means by "1562" or, as a time, by "1:02.48"; null if it is neither. */
export function frameOf(text, state) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d*)?$/.test(part))) return null;
  if (parts.length === 1) return Number.parseInt(text, 10);
  return frameAt(parts.reduce((sum, part) => 60 * sum + Number(part), 0), state);
}

/** The frame that is on show at a moment, in seconds from the first one. */
function frameAt(seconds, state) {
  let [first, last] = [0, state.video.length - 1];
  while (first < last) {
    const middle = Math.ceil((first + last) / 2);
    if (secondsOf(middle, state) <= seconds + HALF_A_HUNDREDTH) first = middle;
    else last = middle - 1;
  }
  return first;
}

/** "120 frames · 4.80 s" for a span of frames. */
export function spanText(span, state) {
  const count = span.stop - span.start;
  const seconds = secondsBetween(span, state);
  const lasting = seconds < 60 ? `${seconds.toFixed(2)} s` : timecode(seconds);
  return `${count} ${count === 1 ? "frame" : "frames"} · ${lasting}`;
}
