/* How far a mask is carried: to the end of the chosen span, else up to the next verified mask, else to the end of the video.
   In: the state of the page, a direction (1 on, -1 back). Out: a frame, or a sentence why not. Pure functions. */

import { trackName } from "../operations/sentence.js";
import { firstAfter, spanAt } from "../timeline/spans.js";

/** The `stop` of the operation: exclusive going on, the last frame going back. */
export function reach({ selected, want, span, verified, video }, direction) {
  const on = direction > 0;
  if (span && want >= span.start && want < span.stop) return on ? span.stop : span.start;
  const spans = verified?.[selected] ?? [];
  const next = firstAfter(spans, want); // the verified span around the frame, or the first one behind it
  if (on) return spans.slice(next).find(([start]) => start > want)?.[0] ?? video.length;
  return spans[next - 1]?.[1] ?? 0;
}

export function whyNot(state, direction) {
  const { selection, selected, tracks, timeline, want } = state;
  if (selection.length !== 1) return "Select one track first: its mask in this frame is carried to the others.";
  if (!spanAt(timeline[selected] ?? [], want)) {
    return `${capital(trackName(tracks, selected))} has no mask in this frame. Draw it, or go to a frame where it has one.`;
  }
  const end = reach(state, direction);
  const frames = direction > 0 ? end - want - 1 : want - end;
  if (frames > 0) return null;
  return direction > 0 ? "There is no frame after this one to carry it to." : "There is no frame before this one to carry it to.";
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
