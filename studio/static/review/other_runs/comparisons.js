/* Another run beside what is shown: what the server says of it, asked anew when the video has changed and somebody looks.
   In: the state keys `compareWith` (a run's id; null: what the shown run itself predicted), `tab` and `compare`. Out: the state keys
   `comparison` (the server's answer, or null) and `difference` (the name of the one that is looked at, or null). */

import { ApiError } from "../api.js";

const QUIET = 700; // ms after the latest change before the runs are compared again

export const nameOf = ({ kind, track, other, start }) => `${kind}/${track}/${other}/${start}`;

/** What a run is called: its model, and which of its runs if there are several. */
export function runName(runs, id) {
  const run = runs.find((one) => one.id === id);
  if (!run) return "Model";
  const same = runs.filter(({ model }) => model === run.model);
  const name = run.model ?? "By hand";
  return same.length > 1 ? `${name}, run ${same.indexOf(run) + 1}` : name;
}

export class Comparisons {
  #timer = null;
  #asking = null; // promise
  #asked = ""; // what the answer is of
  #took = 0; // ms
  #place = 0; // of the difference that is looked at, for going on when it has gone

  constructor({ api, store, queue, toast }) {
    Object.assign(this, { api, store, queue, toast });
    store.set({ compareWith: null, comparison: null, difference: null });
    this.ends = [
      store.watch(["video", "compareWith"], (state) => this.#dropVanished(state)),
      store.watch(["video", "rev", "compareWith", "tab", "compare"], () => this.#soon()),
      () => clearTimeout(this.#timer),
    ];
  }

  get listed() {
    return this.store.state.comparison?.differences ?? [];
  }

  get current() {
    return this.listed.find((each) => nameOf(each) === this.store.state.difference) ?? null;
  }

  /** The next (1) or previous (-1) difference, from the current one or from where that was; null at the end. */
  neighbour(direction) {
    const { listed } = this;
    const place = listed.findIndex((each) => nameOf(each) === this.store.state.difference);
    if (place >= 0) return listed[place + direction] ?? null;
    if (this.store.state.difference === null) return listed[direction > 0 ? 0 : listed.length - 1] ?? null;
    return listed[direction > 0 ? Math.min(this.#place, listed.length - 1) : this.#place - 1] ?? null;
  }

  select(difference) {
    this.#place = this.listed.indexOf(difference);
    this.store.set({ difference: nameOf(difference) });
  }

  /** Compares as soon as nothing is being saved; resolves when that is known. */
  async fresh() {
    await this.queue.idle();
    await this.#asking;
    await this.#ask();
  }

  #dropVanished({ video, compareWith, comparison }) {
    const there = compareWith === null || video?.runs?.some(({ id }) => id === compareWith && id !== video.run?.id);
    if (!there) this.store.set({ compareWith: null });
    const { compareWith: wanted } = this.store.state;
    if (comparison && (comparison.run !== wanted || comparison.video !== video?.id)) {
      this.store.set({ comparison: null, difference: null });
      this.#asked = "";
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    const { compareWith, tab, compare } = this.store.state;
    if (compareWith === null || (tab !== "runs" && !compare)) return;
    const wait = this.store.state.comparison ? Math.max(QUIET, 2 * this.#took) : 0;
    this.#timer = setTimeout(() => (this.#asking || this.queue.busy ? this.#soon() : this.#ask()), wait);
  }

  #ask() {
    const { video, rev, compareWith } = this.store.state;
    if (!video || compareWith === null) return undefined;
    const run = video.runs.find(({ id }) => id === compareWith);
    const wanted = `${video.id} ${rev} ${compareWith} ${run?.state} ${run?.progress}`;
    if (wanted === this.#asked) return undefined;
    this.#asking = this.#fetch(video.id, compareWith, wanted).finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #fetch(video, run, wanted) {
    const begun = performance.now();
    try {
      const found = await this.api.comparison(video, run);
      this.#asked = wanted;
      if (this.store.state.video?.id === video && this.store.state.compareWith === run) {
        this.store.set({ comparison: { ...found, video } });
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.temporary) this.toast(error.message, { tone: "error" });
    }
    this.#took = performance.now() - begun;
  }
}
