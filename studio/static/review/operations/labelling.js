/* What tracks are and whether they are right: change the category, verify, take back, a new track.
   In: the selection, the span and the frame on show. Out: bindings. */

import { needMaskWithin, needSelection, needSettled, needTracks, needVideo } from "../reasons.js";

export function createLabelling(parts) {
  const { store, session, menus, operations } = parts;
  const bind = (id, group, keys, text, run, when = null) => ({ id, group, keys, text, run, when, menu: true });

  /** The masks of this frame that it is about: of the selected tracks, of all if none is. */
  const here = () => {
    const { selection, want } = store.state;
    const entries = session.masks?.peek(want) ?? [];
    return selection.length ? entries.filter(({ track }) => selection.includes(track)) : entries;
  };
  const chosen = () => (store.state.selection.length ? store.state.selection : null);

  const verifyHere = () => {
    const { want } = store.state;
    const verified = !here().every((entry) => entry.verified);
    return operations.run("verify", { tracks: chosen(), start: want, stop: want + 1, verified });
  };
  const verifyAll = () => {
    const { span } = store.state;
    const [start, stop] = [span?.start ?? null, span?.stop ?? null];
    const verified = !allVerified(store.state);
    return operations.run("verify", { tracks: chosen(), start, stop, verified }, { preview: chosen() === null });
  };
  const partOfIt = (state) => {
    const { span, want } = state;
    const [range, where] = span ? [span, "in the chosen span"] : [{ start: want, stop: null }, "from here on"];
    return needMaskWithin(session, state, range, where) ?? needSettled(state);
  };
  const someAtAll = (state) => {
    const { tracks, selection, span, timeline, video } = state;
    const ids = selection.length ? selection : tracks.map(({ id }) => id);
    const some = () => ids.some((id) => covered(timeline[id] ?? [], span ?? { start: 0, stop: video.length }) > 0);
    return needTracks(state) ?? (some() ? null : `There is no mask to verify${span ? " in the chosen span" : ""}.`);
  };
  const someHere = () => (here().length ? null : "There is no mask to verify in this frame.");

  return {
    bindings: [
      bind("category", "Category", ["C"], "Change category", () => menus.openCategories(), needSelection),
      bind("categoryHere", "Category", ["Shift+C"], "Change category from here on, or in the span",
        () => menus.openCategories({ part: true }), partOfIt),
      bind("newTrack", "Category", ["N"], "New track", () => menus.openNewTrack(), needVideo),
      bind("verify", "Verify", ["Y"], "Verified in this frame, or not", verifyHere, someHere),
      bind("verifyAll", "Verify", ["Shift+Y"], "Track or span verified, or not", verifyAll, someAtAll),
    ],
  };
}

/** Whether all masks of the selected tracks (of all, if none is) in the span are verified already. */
function allVerified({ tracks, selection, span, timeline, verified, video }) {
  const range = span ?? { start: 0, stop: video.length };
  const ids = selection.length ? selection : tracks.map(({ id }) => id);
  return ids.every((id) => covered(timeline[id] ?? [], range) <= covered(verified[id] ?? [], range));
}

/** How many frames of the range the spans cover. */
function covered(spans, { start, stop }) {
  return spans.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, stop) - Math.max(from, start)), 0);
}
