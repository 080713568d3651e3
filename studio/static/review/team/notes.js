/* The comments of the open video and where its review stands: fetched when it opens and now and then, changed on the server.
   In: the parts of the page. Out: state keys `comments`, `review` {state, assignee, user, at} and `people` {me, fixed, people}.
   A new note goes the way of all changes (save_queue.js), so it is not lost with the network. Every other change resolves to whether
   the studio took it; what it refuses is told, and what was written stays with who wrote it. */

import { requestKey } from "../request_key.js";

const EVERY = 15000; // ms, for what others write

export class Notes {
  #timer = null;
  #opened = null;

  constructor({ api, store, stage, queue, toast }) {
    Object.assign(this, { api, store, stage, queue, toast });
    store.set({ review: null, people: { me: "local", fixed: false, people: [] }, note: null });
    this.ends = [
      store.watch(["video"], ({ video }) => {
        if ((video?.id ?? null) === this.#opened) return;
        this.#opened = video?.id ?? null;
        store.set({ review: null, note: null });
        this.#look();
      }),
      () => clearTimeout(this.#timer),
    ];
  }

  /** note: {text, frame or null, track or null} */
  add(note) {
    const video = this.#opened;
    const key = requestKey();
    this.queue.push({
      record: { key, kind: "note", video, note, text: `Note: ${note.text}` },
      run: async () => {
        await this.api.addComment(video, note, key);
        if (video === this.#opened) await this.#fetch();
      },
      rejected: (error) => this.toast(`Your note “${note.text}” was not taken. ${error.message}`, { tone: "error" }),
    });
    return true;
  }

  rewrite(comment, text) {
    return this.#change(() => this.api.changeComment(comment.id, { text }));
  }

  resolve(comment, resolved) {
    return this.#change(() => this.api.changeComment(comment.id, { resolved }));
  }

  remove(comment) {
    return this.#change(() => this.api.removeComment(comment.id));
  }

  /** change: {state, assignee, comment}, each optional */
  changeReview(change) {
    return this.#change((id) => this.api.changeReview(id, change));
  }

  rename(name) {
    return this.#change(() => this.api.rename(name));
  }

  async #change(act) {
    try {
      await act(this.store.state.video.id);
      await this.#fetch();
      return true;
    } catch (error) {
      this.toast(error.message, { tone: "error" });
      return false;
    }
  }

  async #look() {
    clearTimeout(this.#timer);
    if (this.#opened === null) return;
    const seen = !document.hidden && this.stage.visible;
    if (seen) await this.#fetch().catch(() => {}); // the studio does not answer: said elsewhere
    this.#timer = setTimeout(() => this.#look(), EVERY);
  }

  async #fetch() {
    const id = this.#opened;
    const [{ comments }, review, people] = await Promise.all([this.api.comments(id), this.api.review(id), this.api.people()]);
    if (id === this.#opened) this.store.set({ comments, review, people });
  }
}
