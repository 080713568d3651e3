/* What the tools that go over several masks apply to: the selected tracks that are not locked, in the chosen span if the frame
   on show lies in it, else in this frame only. In: the state. Out: bodies of operations, and words. */

import { counted, framesText, trackNames } from "../operations/sentence.js";
import { hasMaskWithin } from "../presence.js";
import { needMaskHere, needSelection, needVideo } from "../reasons.js";

/** {tracks, start, stop}: stop is exclusive. */
export function maskScope({ selection, locked, span, want }) {
  const tracks = selection.filter((id) => !locked.has(id));
  const within = span && want >= span.start && want < span.stop;
  return within ? { tracks, start: span.start, stop: span.stop } : { tracks, start: want, stop: want + 1 };
}

/** For `when` of bindings: why there is no track to apply to, or null. */
export function noMasks(state) {
  const why = needVideo(state) ?? needSelection(state);
  if (why) return why;
  if (maskScope(state).tracks.length > 0) return null;
  return state.selection.length === 1 ? `Track ${state.selection[0]} is locked.` : "The selected tracks are locked.";
}

/** For `when` of bindings: why there is no mask to apply to, or null. session: knows the masks that are not saved yet, too. */
export const needMasks = (session) => (state) => {
  const why = noMasks(state);
  if (why) return why;
  const body = maskScope(state);
  if (!reachesFar(body)) return needMaskHere(session)(state);
  const within = body.tracks.some((track) => hasMaskWithin(session, state, track, body.start, body.stop));
  return within ? null : "What is selected has no mask in the chosen span.";
};

/** The tracks that may lie in front of these, as the operation takes them: all others (null), but none that is hidden. */
export function frontOf({ tracks, hidden }, behind) {
  if (hidden.size === 0) return null;
  return tracks.map(({ id }) => id).filter((id) => !hidden.has(id) && !behind.includes(id));
}

/** Whether it is more than what is on show: then the person is asked first. */
export const reachesFar = ({ start, stop }) => stop - start > 1;

/** "dog 3 in frame 7", "2 tracks in frames 4 to 19" */
export function scopeText(state) {
  const { tracks, start, stop } = maskScope(state);
  if (tracks.length === 0) return "nothing selected";
  const names = tracks.length > 1 ? counted(tracks.length, "track") : trackNames(state.tracks, tracks);
  return `${names} in ${framesText([start, stop - 1])}`;
}
