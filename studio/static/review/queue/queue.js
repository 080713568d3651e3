/* Knowing where to look: the queue of suspicious moments with its keys, the marker on the stage, the bar of what is verified.
   In: the parts of the page. Out: a feature. */

import { trackName } from "../operations/sentence.js";
import { createCompare } from "./compare.js";
import { framesText, tracksOf } from "./kinds.js";
import { createMarker } from "./marker.js";
import { Moments } from "./moments.js";
import { createProgress } from "./progress.js";
import { createQueuePanel, openCount, STATES } from "./queue_panel.js";

const NONE = "Go to a suspicious moment first, with J.";
const FILTERED = "The filter of the queue lets no open moment through.";
const LEAD_ON = new Set(["swap", "split", "merge", "move", "delete", "delete_below", "change_category"]); // they draw nothing to look at

export function createQueue(parts) {
  const { store, navigator, operations, commands, bindings, toast } = parts;
  const moments = new Moments(parts);
  const marker = createMarker(parts);
  const compare = createCompare(parts);
  const progress = createProgress(parts);
  const panel = createQueuePanel(parts, { go });
  const settledBy = new Map(); // id of an entry of the history -> {moment, said, look}: what it settled, or touched (saw)

  /** Shows a moment: its frame, its tracks selected, the queue beside it. */
  function go(moment, frame = moment.frame) {
    moments.select(moment.id);
    store.set({ queueLook: null });
    const { tracks } = store.state;
    const known = tracksOf(moment).filter((id) => tracks.some((track) => track.id === id));
    store.set({ tab: "queue", selection: known, selected: known[0] ?? null });
    navigator.go(frame);
  }

  function walk(direction) {
    const next = moments.neighbour(direction);
    if (next) return go(next);
    store.set({ queueLook: null });
    toast(endText(store.state, direction));
  }

  function settle(state) {
    const { current } = moments;
    if (!current) return walk(1); // what was done to it has mended it
    if (current.state !== "open") return moments.settle(current, "open");
    const next = moments.neighbour(1);
    moments.settle(current, state);
    const again = { label: "Open again", run: () => reopen(current) };
    toast(`${STATES[state]}: ${current.reason}`, { action: again });
    return next ? go(next) : toast(endText(store.state, 1));
  }

  function reopen(settled, frame = settled.frame) {
    const moment = moments.find(settled);
    if (!moment) return;
    if (moment.state !== "open") moments.settle(moment, "open");
    go(moment, frame);
  }

  /** On to the one that came next, as far as it is still there. */
  function goOn(next) {
    const known = next && moments.find(next);
    if (known) go(known);
    else walk(1);
  }

  let mending = false; // a remedy is under way, which goes on by itself

  /** Does what the moment offers; where none is open, goes to the worst. What that mends is no longer found and leaves the queue;
   *  undo brings it back. Then it goes on, but where masks were drawn it stays: nobody has seen those. */
  async function mend() {
    const { current, worst } = moments;
    if (current?.state !== "open") return go(worst);
    const { op, ...body } = current.remedy;
    if (current.kind === "same" && !(await compare.open(current))) return;
    const next = moments.neighbour(1);
    mending = true;
    const done = await operations.run(op, body).finally(() => (mending = false));
    if (!done) return;
    await moments.fresh();
    const left = moments.find(current);
    if (left?.state === "open") moments.settle(left, "resolved");
    const drawn = op === "interpolate" ? { drawn: framesText(body.start + 1, body.stop - 1) } : null;
    settledBy.set(done.edit, { moment: current, said: left !== null, look: drawn });
    if (!drawn) return goOn(next);
    navigator.go(body.start + 1);
    store.set({ queueLook: drawn });
  }

  /** What a person mended otherwise leaves the queue, too; then it goes on, unless they are drawing or have gone elsewhere. */
  operations.after = async (name, answer) => {
    const { current } = moments;
    if (mending || current?.state !== "open") return;
    if (!LEAD_ON.has(name)) return touch(answer);
    const { edit } = answer;
    const next = moments.neighbour(1);
    await moments.fresh();
    if (moments.find(current)) return;
    settledBy.set(edit, { moment: current, said: false });
    if (store.state.suggestion !== current.id || store.state.tool !== "select") return;
    toast(`${STATES.resolved}: ${current.reason}`);
    goOn(next);
  };

  /** What was drawn, or said to be right, where the moment is: the card says what goes on. It does not go on by itself, for the
   *  person may paint another stroke. edit: null where it is not known. */
  const touch = (commands.drawn = ({ edit, tracks, frames }) => {
    const { current } = moments;
    if (current?.state !== "open" || !concerns(current, tracks, frames)) return;
    const touched = trackName(store.state.tracks, tracks.find((id) => tracksOf(current).includes(id)));
    const look = { touched, moment: current };
    settledBy.set(edit, { moment: current, said: false, look });
    store.set({ queueLook: look });
  });

  /** What seemed mended may be found again, after another stroke. */
  const follow = store.watch(["suggestions"], ({ queueLook }) => {
    const again = queueLook?.moment && !moments.current && moments.find(queueLook.moment);
    if (again) moments.select(again.id);
  });

  /** A moment whose mending is taken back is the open one again; one that is mended again is left behind, unless masks were drawn:
   *  those are looked at. Whoever looks at what changes, and has not gone on, stays. */
  commands.after = async (direction, { id: edit, frames }) => {
    const settled = settledBy.get(edit);
    if (!settled) return;
    const { moment, said, look } = settled;
    const { want } = store.state;
    const goneOn = moments.current && moments.find(moment) !== moments.current;
    const stays = !goneOn && frames && want >= frames[0] && want <= frames[1];
    const next = moments.neighbour(1);
    await moments.fresh();
    if (direction === "undo") return reopen(moment, stays ? want : moment.frame);
    const left = moments.find(moment);
    if (said && left) moments.settle(left, "resolved");
    if (look) store.set({ queueLook: look });
    else goOn(next);
  };

  const needsMoment = () => (moments.current ? null : NONE);
  const needsTouched = (state) => (state.queueLook ? null : needsMoment());
  const needsRemedy = () => {
    const { current, worst } = moments;
    if (current?.state === "open") return current.remedy ? null : "There is no ready remedy for this moment.";
    if (worst) return null;
    return openCount(store.state) ? FILTERED : endText(store.state, 1);
  };
  const bind = (id, keys, text, run, more = {}) => ({ id, group: "Queue", keys, text, run, ...more });
  return {
    bindings: [
      bind("momentNext", ["J"], "Next suspicious moment", () => walk(1), { repeats: true }),
      bind("momentPrevious", ["Shift+J"], "Previous suspicious moment", () => walk(-1), { repeats: true }),
      bind("momentResolve", ["Enter"], "It is mended; go on", () => settle("resolved"), { when: needsTouched }),
      bind("momentIgnore", ["Shift+Enter"], "It is no mistake; go on", () => settle("ignored"), { when: needsMoment }),
      bind("momentRemedy", ["Ctrl+Enter"], "Mend it as offered; go on. Where none is open: to the worst", mend, { when: needsRemedy }),
    ],
    inspector: [{ id: "queue", title: "Queue", element: panel.root, badge: openCount }],
    transport: [progress.root],
    dialogs: [compare.root],
    end: () => [...moments.ends, follow, marker.end, panel.end, progress.end].forEach((end) => end()),
  };
}

/** Whether tracks in frames [first, last], null for all, are what the moment is about; the frames on either side belong to it. */
function concerns(moment, tracks, frames) {
  const [first, last] = frames ?? [0, Infinity];
  return tracks.some((id) => tracksOf(moment).includes(id)) && first <= moment.stop && last >= moment.frame - 1;
}

function endText({ suggestions }, direction) {
  const open = openCount({ suggestions });
  if (!suggestions.length) return "Nothing looks suspicious.";
  if (!open) return "All suspicious moments are settled.";
  return direction > 0 ? "That was the last moment of the queue." : "This is the first moment of the queue.";
}
