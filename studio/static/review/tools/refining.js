/* What changes masks at once, without drawing: fill holes, remove specks, grow, shrink, smooth, copy from a neighbouring
   frame, interpolate. In: the parts of the page. Out: bindings (see bindings.js). The server works on the pixels. */

import { keyframesAround } from "./keyframes.js";
import { maskScope, noMasks, reachesFar } from "./scope.js";

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

export function createRefining({ store, operations, pointer }) {
  const { state } = store;
  /** Does an operation on the masks in reach; asks first where that is more than what is on show. */
  const apply = (name, body) => {
    pointer.finishStroke();
    return operations.run(name, body, { preview: reachesFar(body) });
  };

  const refinements = REFINEMENTS.map(({ id, tool, key, text, amount }) => ({
    id, group: GROUP, keys: [key], text, when: noMasks,
    run: () => apply("refine", { ...maskScope(state), tool, amount: amount ? state[amount] : 0 }),
  }));
  const copy = (id, key, text, step) => ({
    id, group: GROUP, keys: [key], text,
    when: (now) => noMasks(now) ?? (inVideo(now, now.want + step) ? null : "There is no such frame."),
    run: () => apply("copy", { tracks: maskScope(state).tracks, frame: state.want + step, start: state.want, stop: state.want + 1 }),
  });

  return [
    ...refinements,
    copy("copyPrevious", "D", "Copy the mask of the frame before", -1),
    copy("copyNext", "Shift+D", "Copy the mask of the frame after", 1),
    {
      id: "interpolate", group: GROUP, keys: ["U"], text: "Interpolate between two keyframes",
      when: (now) => noMasks(now) ?? (keyframes(now) ? null : NO_KEYFRAMES),
      run() {
        const [start, stop] = keyframes(state);
        operations.run("interpolate", { tracks: maskScope(state).tracks, start, stop }, { preview: true });
      },
    },
  ];
}

/** [first, last]: the ends of the chosen range, else the selected track's keyframes around the frame on show; or null. */
function keyframes({ span, want, selected, timeline, verified }) {
  if (span) return span.stop - span.start > 2 ? [span.start, span.stop - 1] : null;
  return keyframesAround(want, timeline[selected] ?? [], verified[selected] ?? []);
}

const inVideo = ({ video }, frame) => frame >= 0 && frame < video.length;
