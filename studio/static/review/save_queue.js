/* Everything that changes the video on the server, one request after the other in the order it was done.
   In: jobs {run() -> promise, rejected(error), once}. Out: state key `saving`, {state: saved|saving|failed, pending,
   message}.
   A failed connection keeps the job and tries again; a refusal (4xx) ends it, and `rejected` says so. A job that must
   not be done twice, such as undo, is `once`: nobody knows whether it arrived, so it too ends. */

import { ApiError } from "./api.js";

const RETRY_AFTER = 4000; // ms

export class SaveQueue {
  #jobs = [];
  #running = false;
  #timer = null;
  #waiters = [];

  constructor(store) {
    this.store = store;
    this.#report("saved");
  }

  get busy() {
    return this.#jobs.length > 0;
  }

  push(job) {
    this.#jobs.push(job);
    if (this.store.state.saving.state === "failed") this.#report("failed", this.store.state.saving.message);
    else this.#work();
  }

  retry() {
    clearTimeout(this.#timer);
    this.#work();
  }

  /** Resolves when nothing is left to save. */
  idle() {
    return this.busy ? new Promise((resolve) => this.#waiters.push(resolve)) : Promise.resolve();
  }

  async #work() {
    if (this.#running) {
      this.#report("saving");
      return;
    }
    this.#running = true;
    while (this.#jobs.length) {
      this.#report("saving");
      const job = this.#jobs[0];
      try {
        await job.run();
      } catch (error) {
        if (error.temporary && !job.once) {
          this.#running = false;
          this.#report("failed", error.message);
          this.#timer = setTimeout(() => this.retry(), RETRY_AFTER);
          return;
        }
        if (!(error instanceof ApiError)) reportError(error);
        job.rejected(error);
      }
      this.#jobs.shift();
    }
    this.#running = false;
    this.#report("saved");
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #report(state, message = "") {
    this.store.set({ saving: { state, pending: this.#jobs.length, message } });
  }
}
