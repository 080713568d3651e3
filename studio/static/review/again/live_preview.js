/* What tracking again would show, while sliders move: asks the server, the newest wish last, and puts the spans that come
   back on the timeline (state key timelinePreview). Of a long video the first frames come at once; once the sliders rest it asks for
   the whole. In: settings. Out: answers by a callback. Does not change the video. */

import { ApiError } from "../api.js";

const AFTER = 60; // ms without a change, until it asks
const REST = 700; // ms without a change, until it asks for the whole of a long video

export class LivePreview {
  #timer = null;
  #asking = null;

  /** answered(answer or null, error or null) */
  constructor({ api, store }, answered) {
    Object.assign(this, { api, store, answered });
  }

  wish(settings) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(settings), AFTER);
  }

  async ask(settings, whole = false) {
    clearTimeout(this.#timer);
    this.#asking?.abort(); // the server gives an older one up as well
    const asking = (this.#asking = new AbortController());
    let answer = null;
    let problem = null;
    try {
      answer = await this.api.retrackPreview(this.store.state.video.id, settings, asking.signal, whole);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem = error;
    }
    if (asking !== this.#asking) return;
    if (answer) this.store.set({ timelinePreview: withRest(answer, this.store.state.timeline) });
    if (answer && answer.frames < answer.length) this.#timer = setTimeout(() => this.ask(settings, true), REST);
    this.answered(answer, problem);
  }

  end() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    this.store.set({ timelinePreview: null });
  }
}

/** Spans by track; in frames that were not tracked yet they are as now. */
function withRest({ tracks, frames, length }, now) {
  if (frames === length) return tracks;
  const spans = { ...tracks };
  for (const [id, own] of Object.entries(now)) {
    const rest = own.filter(([, stop]) => stop > frames).map(([start, stop, source]) => [Math.max(start, frames), stop, source]);
    if (rest.length) spans[id] = [...(spans[id] ?? []), ...rest];
  }
  return spans;
}
