/* Why a command cannot be done now, for `when` of bindings. In: the state. Out: a sentence, or null. */

const SELECT = "Select a track first: click a mask, a row of the list, or press ↓.";
const SPAN = "Choose a span first: press I at its first and O at its last frame.";

export const needSelection = () => ({ selection }) => (selection.length ? null : SELECT);

export const needSpan = () => ({ selection, span }) => (selection.length ? (span ? null : SPAN) : SELECT);
