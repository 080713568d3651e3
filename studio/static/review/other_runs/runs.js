/* Other runs of the video beside what is shown: compared track by track, gone through by key, taken over where nobody has said
   what is there; and running a model again. In: the parts of the page. Out: a feature. */

import { Comparisons, runName } from "./comparisons.js";
import { createRunsPanel } from "./runs_panel.js";

const NONE = "Go to a difference first, with Alt+J.";
const NO_RUN = "Choose another run in the tab “Runs” first.";

export function createRuns(parts) {
  const { store, navigator, operations, toast } = parts;
  const comparisons = new Comparisons(parts);

  function go(difference) {
    comparisons.select(difference);
    const { track, frame } = difference;
    const { compare } = store.state;
    const seen = compare ? {} : { compare: true, compareMode: "over" };
    store.set({ ...seen, tab: "runs", selection: track === null ? [] : [track], selected: track });
    navigator.go(frame);
  }

  function walk(direction) {
    const next = comparisons.neighbour(direction);
    if (next) return go(next);
    if (!comparisons.listed.length) return toast(store.state.comparison ? "Nothing differs." : "The runs are still being compared.");
    return toast(direction > 0 ? "That was the last difference." : "This is the first difference.");
  }

  const said = { said: ({ summary }) => `${summary}.` };

  async function takeAll() {
    const done = await operations.run("take_over", { run: store.state.compareWith }, { preview: true, ...said });
    if (done) await comparisons.fresh();
  }

  /** Of an object that only one side has all of it is taken, of others these frames. */
  async function takeOne() {
    const { kind, track, other, start, stop } = comparisons.current;
    const same = comparisons.listed.filter((each) => each.track === track && each.other === other);
    const whole = kind === "category" || ((track === null || other === null) && same.length === 1);
    const body = { run: store.state.compareWith, pair: [track, other], ...(!whole && { start, stop }) };
    if (!(await operations.run("take_over", body, said))) return;
    await comparisons.fresh();
    const next = comparisons.neighbour(1);
    if (next) go(next);
  }

  /** Starts a model; null: the project's default. */
  async function runAgain(model) {
    const { video } = store.state;
    const { score_threshold, match_threshold, short_edge } = video.runs.find(({ shown }) => shown)?.settings ?? {};
    try {
      await parts.api.run(video.id, { ...(model && { model }), score_threshold, match_threshold, short_edge });
      toast("The model runs. What you did here stays; its predictions come beside it.");
    } catch (error) {
      toast(error.message, { tone: "error" });
    }
    parts.session.refreshSoon();
  }

  const ends = [...comparisons.ends, announce(parts)];
  const wantsRun = ({ compareWith }) => (compareWith === null ? NO_RUN : null);
  const wantsOne = () => (comparisons.current ? null : NONE);
  const bind = (id, keys, text, run, when, more = {}) => ({ id, group: "Other runs", keys, text, run, when, ...more });
  return {
    bindings: [
      bind("differenceNext", ["Alt+J"], "Next difference to the other run", () => walk(1), wantsRun, { repeats: true }),
      bind("differencePrevious", ["Alt+Shift+J"], "Previous difference", () => walk(-1), wantsRun, { repeats: true }),
      bind("takeOne", ["Alt+Enter"], "Take this one over; go on", takeOne, wantsOne),
      bind("takeAll", [], "Take the other run over…", takeAll, wantsRun),
    ],
    inspector: [{ id: "runs", title: "Runs", element: createRunsPanel(parts, comparisons, { go, runAgain }), badge: waiting }],
    end: () => ends.forEach((end) => end()),
  };
}

/** How many newer runs nobody has looked into yet, for the tab. */
function waiting({ video, edits, compareWith }) {
  const shown = video?.runs?.find((run) => run.shown);
  if (!shown || compareWith !== null) return "";
  const taken = edits.edits.filter(({ op }) => op === "take_over").map(({ at }) => at);
  const newer = video.runs.filter(({ id, state, finished_at: at }) => id > shown.id && state === "done" && !taken.some((when) => when >= at));
  return newer.length || "";
}

/** Says when a run beside the shown one is done. */
function announce({ store, toast }) {
  let under = null; // [video, ids of the runs that were under way]
  return store.watch(["video"], ({ video }) => {
    const runs = video?.runs ?? [];
    const done = under?.[0] === video?.id ? runs.filter(({ id, state, shown }) => !shown && state === "done" && under[1].includes(id)) : [];
    under = [video?.id, runs.filter(({ state }) => state === "queued" || state === "running").map(({ id }) => id)];
    for (const { id } of done) {
      const look = () => store.set({ compareWith: id, tab: "runs" });
      toast(`${runName(runs, id)} is done. What it found is beside this.`, { action: { label: "Compare", run: look } });
    }
  });
}
