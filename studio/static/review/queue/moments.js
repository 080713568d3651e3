/* The suspicious moments of the open video: fetched when the video has changed, filtered, walked through, settled.
   In: the parts of the page. Out: state keys `suggestions` (as the server sends them, the worst first), `suggestion` (the id of
   the one that is looked at, or null), `queueFilter` and `queueLook` ({drawn: the frames} of a remedy, {touched: a track, moment}, in words, or
   null). Draws nothing. */

import { requestKey } from "../request_key.js";

const QUIET = 700; // ms after the latest change before the studio looks over the video again
export const ALL = { kind: "all", state: "open", selection: false };

export class Moments {
  #timer = null;
  #fetching = null; // promise
  #took = 0; // ms that the last look took: a long video is looked over less often
  #place = 0; // of the current one in the list, for going on when it has gone
  #settled = new Map(); // id -> state that the server does not know yet

  constructor({ api, store, session, queue, toast }) {
    Object.assign(this, { api, store, session, queue, toast });
    store.set({ queueFilter: ALL });
    let opened = null;
    this.ends = [
      store.watch(["video", "rev"], ({ video }) => {
        const changed = (video?.id ?? null) !== opened;
        opened = video?.id ?? null;
        if (changed) this.#settled.clear();
        if (opened !== null) this.refreshSoon(changed ? 0 : Math.max(QUIET, 2 * this.#took));
      }),
      () => clearTimeout(this.#timer),
    ];
  }

  get current() {
    const { suggestions, suggestion } = this.store.state;
    return suggestions.find(({ id }) => id === suggestion) ?? null;
  }

  /** The same moment as it is known now, or null: one that was mended and is found again has another id. */
  find({ kind, frame, track, other }) {
    const isIt = (one) => one.kind === kind && one.frame === frame && one.track === track && one.other === other;
    return this.store.state.suggestions.find(isIt) ?? null;
  }

  /** The moments that the filter lets through. */
  get listed() {
    return filtered(this.store.state);
  }

  /** The worst of those that wait, or null. */
  get worst() {
    return this.listed.find(({ state }) => state === "open") ?? null;
  }

  refreshSoon(wait = QUIET) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), wait);
  }

  /** Looks as soon as nothing is being saved; resolves when the list is that of the video as it is then. */
  async fresh() {
    await this.queue.idle();
    await this.#fetching;
    await this.#fetch();
  }

  #refresh() {
    if (this.#fetching || this.queue.busy) this.refreshSoon();
    else this.#fetch();
  }

  #fetch() {
    clearTimeout(this.#timer);
    const { video } = this.store.state;
    if (!video) return undefined;
    this.#fetching = this.#ask(video.id).finally(() => (this.#fetching = null));
    return this.#fetching;
  }

  async #ask(id) {
    const begun = performance.now();
    try {
      const { suggestions } = await this.api.suggestions(id);
      if (this.store.state.video?.id === id) this.#take(suggestions);
    } catch (error) {
      if (!error.temporary) this.toast(error.message, { tone: "error" });
      this.refreshSoon(10 * QUIET);
    }
    this.#took = performance.now() - begun;
  }

  /** Makes a moment the current one; the page goes there (queue.js). */
  select(id) {
    this.store.set({ suggestion: id });
    this.#notePlace();
  }

  /** The next (1) or previous (-1) moment of the list, from the current one or from where that was; null at the end. */
  neighbour(direction) {
    const { listed } = this;
    const index = listed.findIndex(({ id }) => id === this.store.state.suggestion);
    if (index >= 0) return listed[index + direction] ?? null;
    if (this.store.state.suggestion === null) return listed[direction > 0 ? 0 : listed.length - 1] ?? null;
    return listed[direction > 0 ? Math.min(this.#place, listed.length - 1) : this.#place - 1] ?? null;
  }

  /** Says of a moment that it is resolved, ignored or open again: here at once, on the server behind the changes that wait. */
  settle(moment, state) {
    const { video } = this.store.state;
    this.#notePlace();
    this.#settled.set(moment.id, state);
    this.#put(moment.id, { ...moment, state });
    const text = `${{ resolved: "Mended", ignored: "No mistake", open: "Reopened" }[state]}: ${moment.reason}`;
    this.queue.push({
      record: { key: requestKey(), kind: "settle", video: video.id, suggestion: moment.id, state, text },
      run: async () => {
        const known = await this.api.settleSuggestion(video.id, moment.id, state);
        this.#settled.delete(moment.id);
        this.#put(moment.id, known);
      },
      rejected: (error) => {
        this.#settled.delete(moment.id);
        if (error.status !== 404) this.toast(error.message, { tone: "error" }); // 404: a change has mended it
        this.refreshSoon();
      },
    });
  }

  #take(suggestions) {
    const shown = suggestions.map((moment) => ({ ...moment, state: this.#settled.get(moment.id) ?? moment.state }));
    if (JSON.stringify(shown) !== JSON.stringify(this.store.state.suggestions)) this.store.set({ suggestions: shown });
  }

  #put(id, moment) {
    const { suggestions } = this.store.state;
    if (!suggestions.some((one) => one.id === id)) return;
    this.store.set({ suggestions: suggestions.map((one) => (one.id === id ? moment : one)) });
  }

  #notePlace() {
    const place = this.listed.findIndex(({ id }) => id === this.store.state.suggestion);
    if (place >= 0) this.#place = place;
  }
}

export function filtered({ suggestions, queueFilter, selection }) {
  const { kind, state, selection: selectedOnly } = queueFilter;
  const chosen = new Set(selection);
  return suggestions.filter(
    (moment) =>
      (kind === "all" || moment.kind === kind) &&
      (state === "all" || moment.state === state) &&
      (!selectedOnly || chosen.has(moment.track) || chosen.has(moment.other)),
  );
}
