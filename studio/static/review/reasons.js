/* Why a command cannot be done now: what `when` of bindings answers, and what their buttons, the menus and the palette say.
   In: the state. Out: a sentence, or null where the command can be done. */

const SELECT = "Select a track first: click a mask, a row of the list, or press ↓.";
const SPAN = "Choose a span first: press I at its first and O at its last frame.";

export const needVideo = ({ video }) => (video ? null : "Open a video first.");

export const needTracks = (state) => needVideo(state) ?? (state.tracks.length ? null : "There are no tracks yet.");

export const needSelection = ({ selection }) => (selection.length ? null : SELECT);

export const needSpan = (state) => needSelection(state) ?? (state.span ? null : SPAN);

/** The selected tracks have a mask in the frame on show. session: knows the masks that are drawn and not saved yet, too. */
export const needMaskHere = (session) => (state) => {
  const entries = session.masks?.peek(state.want);
  const here = !entries || entries.some(({ track }) => state.selection.includes(track));
  return needSelection(state) ?? (here ? null : "What is selected has no mask in this frame.");
};

export const needFrameBefore = (state) => needVideo(state) ?? (state.want > 0 ? null : "Nothing comes before the first frame.");

/** Undo also stops what is under way, and takes back what is not saved yet. */
export const needUndo = ({ edits, saving, underway = [] }) =>
  edits.can_undo || saving.pending || underway.some(({ own }) => own) ? null : "Nothing to undo.";

export const needRedo = ({ edits, saving }) => (edits.can_redo || saving.pending ? null : "Nothing to redo.");
