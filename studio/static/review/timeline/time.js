/* Frames as moments: the source's own timestamps where it has them, its frame rate where not.
   In: a video's facts and `times` (seconds per frame, or null). Out: seconds, and seconds in words. */

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

/** "1:02.48" for seconds. */
export function timecode(seconds) {
  const hundredths = Math.round(seconds * 100);
  const minutes = Math.floor(hundredths / 6000);
  return `${minutes}:${((hundredths - minutes * 6000) / 100).toFixed(2).padStart(5, "0")}`;
}

/** "120 frames · 4.80 s" for a span of frames. */
export function spanText(span, state) {
  const count = span.stop - span.start;
  const seconds = secondsBetween(span, state);
  const lasting = seconds < 60 ? `${seconds.toFixed(2)} s` : timecode(seconds);
  return `${count} ${count === 1 ? "frame" : "frames"} · ${lasting}`;
}
