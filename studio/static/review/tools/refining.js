/* What changes masks at once, without drawing: fill holes, remove specks, grow, shrink, smooth, copy from a neighbouring
   frame, interpolate, put behind other tracks. In: the parts of the page. Out: bindings (see bindings.js). The server works on the
   pixels. */

import { deed, trackName, trackNames } from "../operations/sentence.js";
import { hasMask } from "../presence.js";
import { keyframesAround } from "./keyframes.js";
import { meet } from "./meeting.js";
import { frontOf, maskScope, needMasks, noMasks, reachesFar } from "./scope.js";

/** amount: the state key that holds it. */
export const REFINEMENTS = [
  { id: "fillHoles", tool: "fill_holes", key: "Alt+1", text: "Fill holes", icon: "fillHoles" },
  { id: "removeSpecks", tool: "remove_specks", key: "Alt+2", text: "Remove specks", icon: "specks", amount: "speckSize", unit: "px²", most: 10_000 },
  { id: "grow", tool: "grow", key: "Alt+3", text: "Grow", icon: "grow", amount: "growRadius", unit: "px", most: 100 },
  { id: "shrink", tool: "shrink", key: "Alt+4", text: "Shrink", icon: "shrink", amount: "shrinkRadius", unit: "px", most: 100 },
  { id: "smooth", tool: "smooth", key: "Alt+5", text: "Smooth", icon: "smooth", amount: "smoothRadius", unit: "px", most: 100 },
];
const GROUP = "Mask";
const NO_KEYFRAMES = "Draw or verify the track in a frame before and one after this, or choose a range (I and O).";
const NO_GAP = "The chosen range has no frame between its first and its last.";

export function createRefining({ store, session, stage, operations, pointer, keyOf }) {
  const { state } = store;
  const need = needMasks(session);
  const scope = () => maskScope(state);
  /** Does an operation on the masks in reach; asks first where that is more than what is on show. */
  const apply = (name, body, options) => {
    pointer.finishStroke();
    return operations.run(name, body, { preview: reachesFar(body), ...options });
  };
  const behind = (body, options) => apply("put_behind", { ...body, front: frontOf(state, body.tracks) }, options);

  /** For what may have come to lie over others: says so, and offers to put it behind them at once. Hidden tracks do not count. */
  const minding = (key = "") => {
    const seen = ({ over }) => over.filter((track) => !state.hidden.has(track));
    return {
      said: (answer) => deed(answer) + (seen(answer).length ? ` Lies over ${trackNames(state.tracks, seen(answer))}.` : ""),
      offer(answer) {
        if (seen(answer).length === 0) return null;
        const { tracks, frames: [first, last] } = answer;
        return { label: key ? `Put behind (${key})` : "Put behind", run: () => behind({ tracks, start: first, stop: last + 1 }, { preview: false }) };
      },
    };
  };

  const refinements = REFINEMENTS.map(({ id, tool, key, text, amount }) => ({
    id, group: GROUP, keys: [key], text, when: need,
    run: () => apply("refine", { ...scope(), tool, amount: amount ? state[amount] : 0 }),
  }));

  const copy = (id, key, text, step) => {
    const nothing = (now) => {
      const { tracks } = maskScope(now);
      const source = now.want + step;
      if (source < 0 || source >= now.video.length) return "There is no such frame.";
      if (tracks.some((track) => hasMask(session, now, track, source))) return null;
      return `What is selected has no mask in frame ${source} to copy.`;
    };
    return {
      id, group: GROUP, keys: [key], text, when: (now) => noMasks(now) ?? nothing(now),
      run: () => {
        const body = { tracks: scope().tracks, frame: state.want + step, start: state.want, stop: state.want + 1 };
        apply("copy", body, minding(keyOf("putBehind")));
      },
    };
  };

  const noEnds = (now) => {
    const ends = keyframes(now);
    if (!ends) return now.span ? NO_GAP : NO_KEYFRAMES;
    for (const track of maskScope(now).tracks) {
      const frame = ends.find((end) => !hasMask(session, now, track, end));
      if (frame !== undefined) return `${trackName(now.tracks, track)} has no mask in frame ${frame}. Draw it there first.`;
    }
    return null;
  };

  /** Of one frame the masks are compared; of a range the preview says it. */
  const nothingInFront = (now) => {
    const body = maskScope(now);
    const entries = reachesFar(body) ? null : session.masks?.peek(now.want);
    if (!entries) return now.tracks.length > body.tracks.length ? null : "There is no other track to put it behind.";
    const cropOf = (entry) => stage.shapeOf(entry).crop;
    const own = entries.filter(({ track }) => body.tracks.includes(track)).map(cropOf);
    const others = entries.filter(({ track }) => !body.tracks.includes(track) && !now.hidden.has(track)).map(cropOf);
    return own.some((crop) => others.some((other) => meet(crop, other))) ? null : "No other track shows a mask where this lies.";
  };

  return [
    ...refinements,
    copy("copyPrevious", "D", "Copy the mask of the frame before", -1),
    copy("copyNext", "Shift+D", "Copy the mask of the frame after", 1),
    {
      id: "interpolate", group: GROUP, keys: ["U"], text: "Interpolate between two keyframes",
      when: (now) => noMasks(now) ?? noEnds(now),
      run() {
        const [start, stop] = keyframes(state);
        apply("interpolate", { tracks: scope().tracks, start, stop }, { preview: true, ...minding() });
      },
    },
    {
      id: "putBehind", group: GROUP, keys: ["Shift+B"], text: "Put behind: cut away what other tracks show", menu: true,
      when: (now) => need(now) ?? nothingInFront(now),
      run: () => behind(scope()),
    },
  ];
}

/** [first, last]: the ends of the chosen range, else the selected track's keyframes around the frame on show; or null. */
function keyframes({ span, want, selected, timeline, verified }) {
  if (span) return span.stop - span.start > 2 ? [span.start, span.stop - 1] : null;
  return keyframesAround(want, timeline[selected] ?? [], verified[selected] ?? []);
}
