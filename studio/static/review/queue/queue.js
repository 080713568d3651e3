/* Knowing where to look: the queue of suspicious moments with its keys, the marker on the stage, the bar of what is verified.
   In: the parts of the page. Out: a feature. */

import { createCompare } from "./compare.js";
import { tracksOf } from "./kinds.js";
import { createMarker } from "./marker.js";
import { Moments } from "./moments.js";
import { createProgress } from "./progress.js";
import { createQueuePanel, openCount, STATES } from "./queue_panel.js";

const NONE = "Go to a suspicious moment first, with J.";

export function createQueue(parts) {
  const { store, navigator, operations, bindings, toast } = parts;
  const moments = new Moments(parts);
  const marker = createMarker(parts);
  const compare = createCompare(parts);
  const progress = createProgress(parts);
  const panel = createQueuePanel(parts, { go });

  /** Shows a moment: its frame, its tracks selected, the queue beside it. */
  function go(moment) {
    moments.select(moment.id);
    const { tracks } = store.state;
    const known = tracksOf(moment).filter((id) => tracks.some((track) => track.id === id));
    store.set({ tab: "queue", selection: known, selected: known[0] ?? null });
    navigator.go(moment.frame);
  }

  function walk(direction) {
    const next = moments.neighbour(direction);
    if (next) go(next);
    else toast(endText(store.state, direction));
  }

  function settle(state) {
    const { current } = moments;
    if (current.state !== "open") return moments.settle(current, "open");
    const next = moments.neighbour(1);
    moments.settle(current, state);
    toast(`${STATES[state]}: ${current.reason}`);
    return next ? go(next) : toast(endText(store.state, 1));
  }

  /** Does what the moment offers. What that mends is no longer found and leaves the queue; undo brings it back. Then it goes on,
   *  but where masks were drawn it stays: nobody has seen those. */
  async function mend() {
    const { current } = moments;
    const { op, ...body } = current.remedy;
    if (current.kind === "same" && !(await compare.open(current))) return;
    const next = moments.neighbour(1);
    const done = await operations.run(op, body);
    if (!done) return;
    await moments.fresh();
    const left = store.state.suggestions.find(({ id }) => id === current.id);
    if (left?.state === "open") moments.settle(left, "resolved");
    if (op === "interpolate") return look(body);
    if (next && store.state.suggestions.some(({ id }) => id === next.id)) go(next);
    else walk(1);
  }

  function look({ start }) {
    navigator.go(start + 1);
    toast(`Look at what was drawn; ${bindings.keyOf("momentNext") || "the next moment"} goes on.`);
  }

  const needsMoment = () => (moments.current ? null : NONE);
  const needsRemedy = () => {
    if (!moments.current) return NONE;
    return moments.current.remedy && moments.current.state === "open" ? null : "There is no ready remedy for this moment.";
  };
  const bind = (id, keys, text, run, more = {}) => ({ id, group: "Queue", keys, text, run, ...more });
  return {
    bindings: [
      bind("momentNext", ["J"], "Next suspicious moment", () => walk(1), { repeats: true }),
      bind("momentPrevious", ["Shift+J"], "Previous suspicious moment", () => walk(-1), { repeats: true }),
      bind("momentResolve", ["Enter"], "It is mended; go on", () => settle("resolved"), { when: needsMoment }),
      bind("momentIgnore", ["Shift+Enter"], "It is no mistake; go on", () => settle("ignored"), { when: needsMoment }),
      bind("momentRemedy", ["Ctrl+Enter"], "Mend it as offered; go on", mend, { when: needsRemedy }),
    ],
    inspector: [{ id: "queue", title: "Queue", element: panel, badge: openCount }],
    transport: [progress.root],
    dialogs: [compare.root],
    end: () => [...moments.ends, marker.end, progress.end].forEach((end) => end()),
  };
}

function endText({ suggestions }, direction) {
  const open = openCount({ suggestions });
  if (!suggestions.length) return "Nothing looks suspicious.";
  if (!open) return "All suspicious moments are settled.";
  return direction > 0 ? "That was the last moment of the queue." : "This is the first moment of the queue.";
}
