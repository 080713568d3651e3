/* Why a command cannot be done now: what `when` of bindings answers, and what their buttons, the menus and the palette say.
   In: the state. Out: a sentence, or null where the command can be done. */

import { hasMask, hasMaskWithin } from "./presence.js";
import { isRunning } from "./session.js";

const SELECT = "Select a track first: click a mask, a row of the list, or press ↓.";
const SPAN = "Choose a span first: press I at its first and O at its last frame.";

export const needVideo = ({ video }) => (video ? null : "Open a video first.");

export const needTracks = (state) => needVideo(state) ?? (state.tracks.length ? null : "There are no tracks yet.");

export const needSelection = ({ selection }) => (selection.length ? null : SELECT);

export const needSpan = (state) => needSelection(state) ?? (state.span ? null : SPAN);

/** A selected track has a mask in the frame on show. session: see presence.js. */
export const needMaskHere = (session) => (state) => {
  const here = state.selection.some((track) => hasMask(session, state, track, state.want));
  return needSelection(state) ?? (here ? null : "What is selected has no mask in this frame.");
};

/** A selected track has a mask in start..stop - 1. where: the range in words. */
export function needMaskWithin(session, state, { start, stop }, where) {
  const end = stop ?? state.video?.length;
  const within = state.selection.some((track) => hasMaskWithin(session, state, track, start, end));
  return needSelection(state) ?? (within ? null : `What is selected has no mask ${where}.`);
}

export const needEarlier = (state) => needVideo(state) ?? (state.want > 0 ? null : "This is the first frame.");

export const needLater = (state) => needVideo(state) ?? (state.want < state.video.length - 1 ? null : "This is the last frame.");

/** What later frames would not follow waits until the model has made them. */
export const needSettled = (state) =>
  needVideo(state) ?? (isRunning(state.video.run) ? "The model is still running on this video; drawing and deleting work already now." : null);

export const needModel = (state) => needVideo(state) ?? (state.video.runs?.some(({ model }) => model) ? null : "No model has run on this video.");

/** What the model saw in every frame is kept. */
export function needDetections(state) {
  const { run } = state.video ?? {};
  if (!run?.model) return needVideo(state) ?? "No model has run on this video, so there is nothing that it saw.";
  if (run.detections) return null;
  return "This run keeps nothing of what the model saw. Copy or interpolate masks, or run the model once more.";
}

/** Undo also stops what is under way, and takes back what is not saved yet. */
export const needUndo = ({ edits, saving, underway = [] }) =>
  edits.can_undo || saving.pending || underway.some(({ own }) => own) ? null : "Nothing to undo.";

export const needRedo = ({ edits, saving }) => (edits.can_redo || saving.pending ? null : "Nothing to redo.");
