/* Operations that look at so many frames that the worker does them: how far each is, and a way to stop it. The page can be used
   meanwhile, left, or loaded again. In: the parts of the page, answers {job, op, user} of the server. Out: an element over the
   picture; state key `underway`, [{job, op, progress, own}]. What comes of an operation is shown by who began it (operations.js). */

import { ApiError } from "../api.js";
import { button, el, setText } from "../dom.js";

const EVERY = 300; // ms, between looks
const TEXTS = {
  propagate: "Carrying a mask", accept: "Following the object", retrack: "Tracking the video again",
  transform: "Moving masks", refine: "Redrawing masks", interpolate: "Drawing what lies between", put_behind: "Cutting away what is hidden",
};

export class Underway {
  #open = null; // the video whose operations were asked for
  #followed = new Map(); // job -> {own, end}: who began it and who finds it in the server's list look at one and the same

  constructor({ api, store, session, toast }) {
    Object.assign(this, { api, store, session, toast });
    this.root = el("div", { class: "ct-underway", role: "status" });
    store.set({ underway: [] });
    store.watch(["underway"], ({ underway }) => this.#draw(underway));
    store.watch(["video"], ({ video }) => {
      if (video && video.id !== this.#open) this.#resume(video.id);
      this.#open = video?.id ?? null;
    });
  }

  /** Shows an operation until it is over. Resolves to how it ended: "done", "failed", "cancelled"; null: another video is open. */
  over({ job, op }, own = true) {
    const known = this.#followed.get(job);
    if (known) {
      known.own ||= own;
      return known.end;
    }
    const followed = { own };
    this.#followed.set(job, followed);
    followed.end = this.#follow(job, op, followed).finally(() => this.#followed.delete(job));
    return followed.end;
  }

  async #follow(job, op, followed) {
    const { id } = this.store.state.video;
    const elsewhere = () => this.store.state.video?.id !== id;
    let state = "queued";
    let progress = 0;
    while ((state === "queued" || state === "running") && !elsewhere()) {
      this.#set(job, { job, op, progress, own: followed.own });
      await new Promise((resolve) => setTimeout(resolve, EVERY));
      try {
        ({ state, progress } = await this.api.job(job));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!error.temporary) state = "failed"; // somebody cleared it away
      }
    }
    this.#set(job, null);
    return elsewhere() ? null : state;
  }

  /** Stops the person's own latest operation that still goes on. Returns whether there was one. */
  withdraw() {
    const latest = this.store.state.underway.findLast(({ own }) => own);
    if (latest) this.#cancel(latest);
    return Boolean(latest);
  }

  async #cancel({ job }) {
    try {
      await this.api.cancelJob(job);
    } catch (error) {
      this.toast(error.message, { tone: "error" });
    }
  }

  /** What an earlier visit, or somebody else, began. */
  async #resume(id) {
    try {
      const { operations } = await this.api.underway(id);
      if (this.store.state.video?.id !== id || operations.length === 0) return;
      await Promise.all(operations.map((operation) => this.over(operation, false)));
      this.session.refreshSoon();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // what goes on will show by what it changes
    }
  }

  #set(job, entry) {
    const others = this.store.state.underway.filter((other) => other.job !== job);
    this.store.set({ underway: entry ? [...others, entry].sort((a, b) => a.job - b.job) : others });
  }

  #draw(entries) {
    while (this.root.children.length > entries.length) this.root.lastElementChild.remove();
    while (this.root.children.length < entries.length) this.root.append(this.#row());
    entries.forEach((entry, i) => {
      const row = this.root.children[i];
      const percent = Math.round(entry.progress * 100);
      row.entry = entry;
      setText(row.firstElementChild, `${TEXTS[entry.op] ?? "Working"} · ${percent} %`);
      row.querySelector(".ct-run-bar").style.width = `${percent}%`;
    });
  }

  #row() {
    const row = el(
      "div",
      { class: "ct-run" },
      el("span", { class: "ct-numbers" }),
      button({ class: "ct-link", onclick: () => this.#cancel(row.entry) }, "Cancel"),
      el("div", { class: "ct-run-track" }, el("div", { class: "ct-run-bar" })),
    );
    return row;
  }
}
