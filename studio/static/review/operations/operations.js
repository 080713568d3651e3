/* How an operation (POST /ops/...) is done: in the order of the deeds through the save queue, once however often it is sent,
   refused by the server where others changed the same things unseen.
   In: its name and body. Out: a promise of the server's answer, null if it was not done; a toast with Undo. One that takes the server
   longer goes on there, while the person does other things.
   What the operations are is said by identity.js and others. */

import { ApiError } from "../api.js";
import { requestKey } from "../request_key.js";
import { deed } from "./sentence.js";

export class Operations {
  #asking = null; // promise of the preview under way
  #closeToast = null; // of the latest operation: only that one can be undone first

  constructor({ api, store, session, queue, commands, toast }) {
    Object.assign(this, { api, store, session, queue, commands, toast });
    this.confirm = async (name, body) => body; // sheets.js says here how to ask first
    this.conflict = async () => null; // and what to do where others were faster
    this.over = async () => null; // again/ says here how to wait for what the worker does
    this.after = () => {}; // and queue/ what follows once one is done: (name, answer)
  }

  /** What a command applies to: {tracks, start, stop}, all selected tracks and the chosen span; without a span start and
   *  stop are null, which means everywhere. */
  scope() {
    const { selection, span } = this.store.state;
    return { tracks: [...selection], start: span?.start ?? null, stop: span?.stop ?? null };
  }

  /** name: of the operation, as in its route. Options:
   *    preview: show first what it would do and let the person decide; previewed: the person has seen that already
   *    said: text or (answer) -> text for the toast, by default the server's summary; false: no toast
   *    offer: (answer) -> what the toast offers beside Undo, {label, run}, or null
   *    then: (answer) -> void, once the page shows the result
   *    focus: whether to go to where it happened, if that is out of sight */
  async run(name, body, { preview = false, previewed = false, said = null, offer = () => null, then = null, focus = false } = {}) {
    const asks = preview || (this.store.state.alwaysPreview && !previewed);
    const agreed = asks ? await this.confirm(name, body) : body;
    if (!agreed) return null;
    return this.#send(name, agreed, (answer) => {
      const text = typeof said === "function" ? said(answer) : (said ?? deed(answer));
      if (text) this.#say(text, offer(answer));
      if (focus) this.show(answer);
      then?.(answer);
    });
  }

  /** What an operation would do, as the server says it. */
  preview(name, body) {
    const asking = this.api.preview(this.store.state.video.id, name, body);
    const forget = () => {
      if (this.#asking === asking) this.#asking = null;
    };
    this.#asking = asking;
    asking.then(forget, forget);
    return asking;
  }

  /** Whether a preview is under way: Enter belongs to the sheet that is about to appear. */
  get asking() {
    return this.#asking !== null;
  }

  /** Resolves when no preview is under way. */
  async idle() {
    while (this.#asking) await this.#asking.catch(() => {});
  }

  /** Goes to where something happened: {tracks, frames: [first, last] or null}. */
  show({ tracks = [], frames = null }) {
    const { want, tracks: existing } = this.store.state;
    if (frames && (want < frames[0] || want > frames[1])) this.session.navigator.go(frames[0]);
    const known = tracks.filter((id) => existing.some((track) => track.id === id));
    if (known.length) this.store.set({ selection: known, selected: known[0] });
  }

  /** Says what was done. Its Undo goes with the next operation, for it would take back that one. */
  #say(text, offered = null) {
    this.#closeToast?.();
    const actions = [offered, { label: "Undo", run: () => this.commands.undo() }].filter(Boolean);
    this.#closeToast = this.toast(text, { actions }) ?? null;
  }

  #send(name, body, done) {
    const { video, rev: seen } = this.store.state;
    const { id } = video;
    const key = requestKey();
    return new Promise((resolve, reject) => {
      this.queue.push({
        record: { key, kind: "operation", video: id, op: name, body, seen, text: textOf(name, body) },
        run: async () => {
          const answer = await this.api.operate(id, name, body, { key, rev: this.session.afterOwn(seen) });
          if (answer.job === undefined) return resolve(await this.#finish(id, name, answer, done));
          this.follow(id, name, body, key, answer, done).then(resolve, reject); // other changes need not wait for it
          return undefined;
        },
        rejected: (error) => {
          this.#refused(error, name, body, done).then(resolve, reject);
        },
      });
    });
  }

  async #finish(id, name, answer, done) {
    if (this.store.state.video?.id !== id) return null;
    this.session.adopt(answer.rev, answer.frames === undefined ? "none" : answer.frames);
    await this.session.refreshNow();
    done(answer);
    this.after(name, answer);
    return answer;
  }

  /** The worker does it: once that is over, the same request again says what came of it. */
  async follow(id, name, body, key, underway, done = (answer) => this.#say(deed(answer))) {
    if (this.store.state.video?.id !== id) return null; // shown where its video is open
    const end = await this.over(underway);
    if (end === null) return null;
    if (end === "cancelled") {
      this.toast("Stopped. Nothing was changed.");
      return null;
    }
    try {
      return await this.#finish(id, name, await this.api.operate(id, name, body, { key }), done);
    } catch (error) {
      return this.#refused(error, name, body, done);
    }
  }

  async #refused(error, name, body, done) {
    const theirs = error instanceof ApiError && error.status === 409 ? error.body?.current?.edits : null;
    this.session.refreshSoon();
    if (theirs) {
      const again = await this.conflict(name, body, theirs);
      return again ? this.#send(name, again, done) : null;
    }
    this.toast(error.message, { tone: "error" });
    return null;
  }
}

/** What an operation is, in words, while it waits for the server: "Swap · tracks 3, 5". */
function textOf(name, { track, tracks, first, second, into }) {
  const words = name.replaceAll("_", " ");
  const concerned = [track, first, second, into, ...(tracks ?? [])].filter(Number.isInteger);
  const title = words[0].toUpperCase() + words.slice(1);
  if (concerned.length === 0) return title;
  return `${title} · ${concerned.length === 1 ? "track" : "tracks"} ${concerned.join(", ")}`;
}
