/* What tracking again would show, while sliders move: asks the server, the newest wish last, and puts the spans that come
   back on the timeline (state key timelinePreview). In: settings. Out: answers by a callback. Does not change the video. */

import { ApiError } from "../api.js";

const AFTER = 60; // ms without a change, until it asks

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

  async ask(settings) {
    this.#asking?.abort(); // the server gives an older one up as well
    const asking = (this.#asking = new AbortController());
    let answer = null;
    let problem = null;
    try {
      answer = await this.api.retrackPreview(this.store.state.video.id, settings, asking.signal);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem = error;
    }
    if (asking !== this.#asking) return;
    if (answer) this.store.set({ timelinePreview: answer.tracks });
    this.answered(answer, problem);
  }

  end() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    this.store.set({ timelinePreview: null });
  }
}
