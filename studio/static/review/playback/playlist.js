/* The frames that are played, in order: a range of the video, or only where a track is present; each at its own time.
   In: segments [start, stop (exclusive)] and when frames are shown. Out: frames by place and by seconds. Plain arithmetic. */

/** What the state says is to be played: the chosen span when looping over it, only where the selected track is present. */
export function segmentsToPlay({ video, loop, span, presentOnly, selected, timeline }) {
  const [start, stop] = loop && span ? [span.start, span.stop] : [0, video.length];
  if (!presentOnly || selected === null) return [[start, stop]];
  const inside = merged(timeline[selected] ?? [])
    .map(([from, to]) => [Math.max(start, from), Math.min(stop, to)])
    .filter(([from, to]) => from < to);
  return inside.length ? inside : [[start, stop]];
}

/** Touching spans as one, whatever their sources. */
function merged(spans) {
  const joined = [];
  for (const [start, stop] of spans) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], stop);
    else joined.push([start, stop]);
  }
  return joined;
}

const ROUNDING = 1e-6; // seconds by which sums of times may be wrong

export class Playlist {
  /** secondsAt: (frame) -> when it is shown, defined for the frame after the last one too. */
  constructor(segments, secondsAt) {
    this.secondsAt = secondsAt;
    this.parts = [];
    let count = 0;
    let seconds = 0;
    for (const [start, stop] of segments) {
      this.parts.push({ start, stop, first: count, from: seconds });
      count += stop - start;
      seconds += secondsAt(stop) - secondsAt(start);
    }
    this.count = count;
    this.seconds = seconds;
  }

  /** The frame at a place; places beyond the end go round. */
  frameAt(place) {
    const here = place % this.count;
    const part = this.#partBy("first", here);
    return part.start + here - part.first;
  }

  /** The place of a frame, of the next one that is played when it is not; 0 behind the last one. */
  placeOf(frame) {
    for (const { start, stop, first } of this.parts) {
      if (frame < start) return first;
      if (frame < stop) return first + frame - start;
    }
    return 0;
  }

  /** Seconds of playing from the beginning to a place. */
  secondsTo(place) {
    const here = place % this.count;
    const part = this.#partBy("first", here);
    const laps = Math.floor(place / this.count) * this.seconds;
    return laps + part.from + this.secondsAt(part.start + here - part.first) - this.secondsAt(part.start);
  }

  /** The place that is due after so many seconds; beyond the end it goes round. */
  placeAt(seconds) {
    const now = seconds + ROUNDING;
    const laps = this.seconds > 0 ? Math.floor(now / this.seconds) : 0;
    const rest = now - laps * this.seconds;
    const part = this.#partBy("from", rest);
    const moment = this.secondsAt(part.start) + rest - part.from;
    let low = part.start;
    let high = part.stop - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.secondsAt(middle) <= moment) low = middle;
      else high = middle - 1;
    }
    return laps * this.count + part.first + low - part.start;
  }

  /** Whether two places lie in one stretch of frames without a jump between. */
  sameStretch(one, other) {
    const lap = (place) => Math.floor(place / this.count);
    return lap(one) === lap(other) && this.#partBy("first", one % this.count) === this.#partBy("first", other % this.count);
  }

  /** The first frame of the next stretch. */
  nextStart(place) {
    const index = this.parts.indexOf(this.#partBy("first", place % this.count));
    return this.parts[(index + 1) % this.parts.length].start;
  }

  #partBy(key, value) {
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.parts[middle][key] <= value) low = middle;
      else high = middle - 1;
    }
    return this.parts[low];
  }
}
