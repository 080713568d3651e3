/* The operations on who is who: swap, split, merge, move frames to another track.
   In: the selection, the span chosen on the timeline and the frame on show. Out: bindings. */

import { hasMaskWithin } from "../presence.js";
import { needMaskWithin, needSelection, needSettled } from "../reasons.js";
import { coverage } from "../timeline/spans.js";
import { rangeText, trackNames } from "./sentence.js";

export function createIdentity({ store, session, operations, partner }) {
  const names = (ids) => trackNames(store.state.tracks, ids);
  const bind = (id, keys, text, run, when) => ({ id, group: "Identity", keys, text, run, when, menu: true });

  /** The chosen span, or from this frame on. */
  const onwards = ({ span, want } = store.state) => (span ? { start: span.start, stop: span.stop } : { start: want, stop: null });

  const other = async (title, extra = null) => {
    const { selection } = store.state;
    return partner.ask({ title, without: selection, extra });
  };

  const swap = async () => {
    const { selection } = store.state;
    const range = onwards();
    const [first] = selection;
    const second = selection[1] ?? (await other(`Swap ${names([first])} ${rangeText(range)} with…`))?.value;
    if (second !== undefined) await operations.run("swap", { first, second, ...range });
  };

  const split = () => operations.run("split", { tracks: store.state.selection, frame: store.state.want });

  const merge = async () => {
    const { selection } = store.state;
    const second = selection.length > 1 ? null : await other(`Merge ${names(selection)} with…`);
    if (selection.length < 2 && !second) return;
    const all = second ? [selection[0], second.value] : selection;
    const into = mostWorkedOn(all, store.state);
    const then = ({ track }) => store.set({ selected: track, selection: [track] });
    const body = { into, tracks: all.filter((id) => id !== into), overlap: "refuse" };
    await operations.run("merge", body, { preview: true, then });
  };

  const move = async () => {
    const { selection } = store.state;
    const range = onwards();
    const extra = { text: "a new track", value: null };
    const answer = await other(`Move ${names(selection)} ${rangeText(range)} to…`, extra);
    if (!answer) return;
    const body = { tracks: selection, ...range, to: answer.value, overlap: "refuse" };
    await operations.run("move", body, { preview: true });
  };

  /** Of tracks to merge the one that stays, unless the person says otherwise: with the most verified masks, else the longest. */
  const mostWorkedOn = (ids, { tracks, verified }) => {
    const length = (id) => tracks.find((track) => track.id === id)?.count ?? 0;
    const worth = (id) => [coverage(verified?.[id] ?? []), length(id)];
    const better = (a, b) => worth(b)[0] - worth(a)[0] || worth(b)[1] - worth(a)[1];
    return [...ids].sort(better)[0];
  };

  const tooMany = ({ selection }) => (selection.length > 2 ? "Select only two tracks to swap them." : null);
  const alone = ({ tracks }) => (tracks.length === 1 ? "There is no other track." : null);
  const onOneSide = (state) => {
    const { selection, tracks, want, video } = state;
    const within = (id, start, stop) => hasMaskWithin(session, state, id, start, stop);
    const crosses = selection.some((id) => within(id, 0, want) && within(id, want, video.length));
    return crosses ? null : `All masks of ${trackNames(tracks, selection)} lie on one side of this frame.`;
  };
  const here = (state) => needMaskWithin(session, state, onwards(state), state.span ? "in the chosen span" : "from here on");
  const settled = (...whys) => (state) => [needSelection, ...whys, needSettled].reduce((why, next) => why ?? next(state), null);
  return {
    bindings: [
      bind("swap", ["X"], "Swap two tracks from here on, or in the span", swap, settled(tooMany, alone)),
      bind("split", ["S"], "Split at this frame", split, settled(onOneSide)),
      bind("merge", ["M"], "Merge tracks", merge, settled(alone)),
      bind("move", ["G"], "Move to a track from here on, or the span", move, settled(here)),
    ],
  };
}
