/* What the model saw under a pixel, for the tool that clicks on objects: the newest question wins, answers are kept per frame.
   In: the parts of the page. Out: {list, index, current, message}, asked for with look(); tells when it changes. Draws nothing. */

import { ApiError } from "../api.js";
import { decodeCounts } from "../rle.js";

const KEPT = 500; // answers

export class Candidates {
  list = []; // of the pixel last looked at, the best first
  index = 0;
  message = ""; // why there are none
  #answers = new Map(); // "video/rev/frame/x/y" -> answer
  #entries = new Map(); // "video/frame/query" -> entry as the mask cache has them
  #refused = null; // {run, answer}: the run has none at all, so there is no use in asking for every pixel
  #wanted = null;
  #running = null;

  constructor({ api, store }, changed) {
    Object.assign(this, { api, store, changed });
  }

  get current() {
    return this.list[this.index] ?? null;
  }

  /** Asks for what lies under a source point of the frame on show. Resolves when the latest wish is answered. */
  look({ x, y }) {
    const { video, frame, rev } = this.store.state;
    this.run = `${video.id}/${video.run?.id}`;
    const pixel = { x: Math.floor(x), y: Math.floor(y) };
    if (pixel.x < 0 || pixel.y < 0 || pixel.x >= video.width || pixel.y >= video.height) {
      this.clear();
      return Promise.resolve();
    }
    this.#wanted = { video: video.id, frame, rev, ...pixel };
    this.#running ??= this.#answer().finally(() => (this.#running = null));
    return this.#running;
  }

  /** The next (1) or the one before (-1). */
  step(direction) {
    if (this.list.length === 0) return;
    this.index = (this.index + direction + this.list.length) % this.list.length;
    this.changed();
  }

  clear() {
    this.#wanted = null;
    if (this.list.length === 0 && !this.message) return;
    Object.assign(this, { list: [], index: 0, message: "" });
    this.changed();
  }

  async #answer() {
    while (this.#wanted) {
      const wanted = this.#wanted;
      const key = Object.values(wanted).join("/");
      const answer = this.#known(key) ?? (await this.#ask(wanted));
      this.#answers.set(key, answer);
      if (this.#answers.size > KEPT) this.#answers.delete(this.#answers.keys().next().value);
      if (this.#wanted !== wanted) continue;
      this.#wanted = null;
      this.#take(answer);
    }
  }

  #known(key) {
    return this.#refused?.run === this.run ? this.#refused.answer : this.#answers.get(key);
  }

  async #ask({ video, frame, x, y }) {
    try {
      const { candidates } = await this.api.candidates(video, frame, x, y);
      return { list: candidates.map((candidate) => this.#entry(video, frame, candidate)), message: "" };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const answer = { list: [], message: error.message };
      if (error.status === 409) this.#refused = { run: this.run, answer };
      return answer;
    }
  }

  /** One that was seen before stays the same object, and with it its outline. */
  #entry(video, frame, candidate) {
    const key = `${video}/${frame}/${candidate.query}`;
    const known = this.#entries.get(key);
    if (known) return Object.assign(known, candidate);
    const entry = { ...candidate, frame, runs: decodeCounts(candidate.counts) };
    this.#entries.set(key, entry);
    if (this.#entries.size > KEPT) this.#entries.delete(this.#entries.keys().next().value);
    return entry;
  }

  /** The one that was chosen stays chosen while the pointer is over it. */
  #take({ list, message }) {
    const chosen = this.index > 0 ? list.findIndex(({ query }) => query === this.current?.query) : 0;
    Object.assign(this, { list, message, index: Math.max(0, chosen) });
    this.changed();
  }
}
