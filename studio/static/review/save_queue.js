/* Everything that changes the video on the server, one request after the other in the order it was done.
   In: jobs {run() -> promise, rejected(error), once, record}. Out: state key `saving`, {state: saved|saving|failed, pending,
   message, waiting: records}.
   A job with a `record` (plain data {key, kind, video, text, at, ...}) is written to the browser's journal at once and leaves it
   when the server has it; its request carries the key, so it may be sent again. A failed connection keeps the job and tries
   again; a refusal (4xx) ends it, and `rejected` says so. A job without a record that must not be done twice is `once`: nobody
   knows whether it arrived, so it too ends. */

import { ApiError } from "./api.js";
import { Journal } from "./saving/journal.js";
import { TAB } from "./saving/tab.js";

const RETRY_AFTER = [2000, 4000, 8000, 15000]; // ms; the last one from then on
const STEPS = new Set(["undo", "redo"]);

export class SaveQueue {
  #jobs = [];
  #running = false;
  #failures = 0;
  #timer = null;
  #waiters = [];

  constructor(store, journal = new Journal()) {
    this.store = store;
    this.journal = journal;
    this.#report("saved");
    globalThis.addEventListener?.("online", () => this.store.state.saving.state === "failed" && this.retry());
  }

  get busy() {
    return this.#jobs.length > 0;
  }

  /** Whether closing the page now would lose something: what is neither on the server nor in the journal. */
  get atRisk() {
    return this.#jobs.some((job) => !job.kept);
  }

  /** The jobs that wait, the one under way first. */
  get jobs() {
    return [...this.#jobs];
  }

  push(job) {
    this.#jobs.push(job);
    if (job.record) this.#keep(job);
    if (this.store.state.saving.state === "failed") this.#report("failed", this.store.state.saving.message);
    else this.#work();
  }

  /** Jobs of an earlier visit go first: they are older than anything done since. They are in the journal already. */
  resume(jobs) {
    for (const job of jobs) job.kept = true;
    this.#jobs.splice(this.#running ? 1 : 0, 0, ...jobs);
    if (jobs.length) this.#work();
  }

  /** Takes the jobs that `chosen` picks out of the queue without doing them; the one under way stays. Returns them. */
  withdraw(chosen) {
    const gone = this.#jobs.slice(this.#running ? 1 : 0).filter(chosen);
    this.#jobs = this.#jobs.filter((job) => !gone.includes(job));
    return gone;
  }

  retry() {
    this.#failures = 0;
    this.#work();
  }

  /** Resolves when nothing is left to save. */
  idle() {
    return this.busy ? new Promise((resolve) => this.#waiters.push(resolve)) : Promise.resolve();
  }

  async #keep(job) {
    Object.assign(job.record, { at: Date.now(), tab: TAB });
    job.kept = await this.journal.add(job.record);
    const { state, message } = this.store.state.saving;
    if (this.#jobs.includes(job)) this.#report(state, message);
  }

  async #work() {
    if (this.#running) {
      this.#report("saving");
      return;
    }
    clearTimeout(this.#timer);
    this.#running = true;
    while (this.#jobs.length) {
      this.#report(this.#failures ? "failed" : "saving", this.store.state.saving.message);
      const job = this.#jobs[0];
      try {
        await job.run();
        this.#failures = 0;
        if (job.record) this.#forget(job);
      } catch (error) {
        if (error.temporary && !job.once) {
          this.#running = false;
          this.#report("failed", error.message);
          this.#timer = setTimeout(() => this.#work(), RETRY_AFTER[Math.min(this.#failures++, RETRY_AFTER.length - 1)]);
          return;
        }
        if (!(error instanceof ApiError)) reportError(error);
        this.#refuse(job, error);
      }
      this.#jobs.shift();
    }
    this.#running = false;
    this.#failures = 0;
    this.#report("saved");
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #forget({ record, rev }) {
    if (record.kind === "mask") this.journal.settle(record, rev ?? 0);
    else this.journal.remove(record.key);
  }

  /** A refused change ends, and with it the undo and redo that were pressed after it: they would take back something else. */
  #refuse(job, error) {
    job.rejected(error);
    if (job.record && !job.keepsRecord) this.journal.remove(job.record.key);
    const first = this.#jobs.indexOf(job) + 1;
    const steps = this.#jobs.slice(first).filter(({ record }) => STEPS.has(record?.kind));
    this.#jobs = this.#jobs.filter((other) => !steps.includes(other));
    for (const step of steps) {
      this.journal.remove(step.record.key);
      step.rejected(new ApiError(409, `${step.record.text} was left out, because the change before it was refused.`));
    }
  }

  #report(state, message = "") {
    const waiting = this.#jobs.map(({ record }) => record).filter(Boolean);
    const saving = { state, pending: this.#jobs.length, message: state === "failed" ? message : "" };
    this.store.set({ saving: { ...saving, waiting } });
  }
}
