/* What the model saw, used again: a mask carried on or back, and the whole video tracked again with other settings.
   In: the parts of the page. Out: bindings, a button beside the timeline's, what is under way over the picture (see features.js). */

import { needDetections, needSettled } from "../reasons.js";
import { commandButton } from "../toolbar.js";
import { reach, whyNot } from "./reach.js";
import { openRetrack } from "./retrack_sheet.js";
import { Underway } from "./underway.js";

export function createAgain(parts) {
  const { store, operations, commands } = parts;
  const underway = new Underway(parts);
  operations.over = (answer) => underway.over(answer);
  commands.withdraw = () => underway.withdraw();

  const carry = (direction) => () => {
    const { selected: track, want: frame } = store.state;
    const body = { track, frame, stop: reach(store.state, direction), taken: "take" };
    return operations.run("propagate", body, { preview: true });
  };
  const settled = (state) => needDetections(state) ?? needSettled(state);
  const seen = (direction) => (state) => needDetections(state) ?? whyNot(state, direction);
  const bind = (id, keys, text, run, when, more = {}) => ({ id, group: "From what the model saw", keys, text, run, when, ...more });
  const bindings = [
    bind("carryBack", ["Shift+O"], "Carry the mask back", carry(-1), seen(-1), { menu: true }),
    bind("carryOn", ["Shift+P"], "Carry the mask on", carry(1), seen(1), { menu: true }),
    bind("retrack", ["Shift+R"], "Track the video again…", () => openRetrack(parts), settled),
    bind("withdraw", ["Ctrl+."], "Stop the operation that is running", () => underway.withdraw(), ({ underway: all }) =>
      all.some(({ own }) => own) ? null : "Nothing of yours is under way."),
  ];
  parts.bindings.add(bindings); // the button names its key
  return {
    bindings,
    transport: [commandButton(parts, "retrack", "retrack")],
    stage: [underway.root],
    end: () => store.set({ timelinePreview: null }),
  };
}
