/* The comments of the open video and where its review stands: fetched when it opens and now and then, changed on the server.
   In: the parts of the page. Out: state keys `comments`, `review` {state, assignee, user, at} and `people` {me, fixed, people}.
   What is done to notes goes the way of all changes (save_queue.js), so it is not lost with the network; what waits is shown as
   if it were done. A change of the review's state or of a name resolves to whether the studio took it. What it refuses is told. */

import { requestKey } from "../request_key.js";

const EVERY = 15000; // ms, for what others write

export class Notes {
  #timer = null;
  #opened = null;
  #known = []; // comments as the studio has them

  constructor({ api, store, stage, queue, toast }) {
    Object.assign(this, { api, store, stage, queue, toast });
    store.set({ review: null, people: { me: "local", fixed: false, people: [] }, note: null });
    this.ends = [
      store.watch(["video"], ({ video }) => {
        if ((video?.id ?? null) === this.#opened) return;
        this.#opened = video?.id ?? null;
        this.#known = [];
        store.set({ review: null, note: null });
        this.#look();
      }),
      () => clearTimeout(this.#timer),
    ];
  }

  /** note: {text, frame or null, track or null} */
  add(note) {
    const record = this.#record("note", { note, text: `Note: ${note.text}` });
    const send = () => this.api.addComment(record.video, note, record.key);
    this.#push(record, send, `Your note “${note.text}” was not taken.`);
  }

  rewrite(comment, text) {
    this.#alter(comment, { text }, `Note: ${text}`, `Your note “${text}” was not taken.`);
  }

  resolve(comment, resolved) {
    const deed = resolved ? "Resolved" : "Opened again";
    this.#alter(comment, { resolved }, `${deed}: ${comment.text}`, `The note “${comment.text}” stays as it was.`);
  }

  remove(comment) {
    this.#alter(comment, null, `Deleted: ${comment.text}`, `The note “${comment.text}” was not deleted.`);
  }

  /** change: {state, assignee, comment}, each optional */
  changeReview(change) {
    return this.#change((id) => this.api.changeReview(id, change));
  }

  rename(name) {
    return this.#change(() => this.api.rename(name));
  }

  /** change: {text} or {resolved}; null: the note goes. */
  #alter({ id: comment }, change, text, refusal) {
    const record = this.#record("comment", { comment, change, text });
    const send = async () => {
      await this.api.alterComment(comment, change);
      this.#known = this.#altered(this.#known, record);
    };
    this.#push(record, send, refusal);
  }

  #record(kind, facts) {
    return { key: requestKey(), kind, video: this.#opened, ...facts };
  }

  #push(record, send, refusal) {
    this.queue.push({
      record,
      run: async () => {
        await send();
        this.#look();
      },
      rejected: (error) => {
        if (error.status !== 404) this.toast(`${refusal} ${error.message}`, { tone: "error" }); // 404: its writer deleted it
        this.#look();
      },
    });
    this.#show();
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

  #look() {
    clearTimeout(this.#timer);
    if (this.#opened === null) return;
    this.#timer = setTimeout(() => this.#look(), EVERY);
    const seen = !document.hidden && this.stage.visible;
    if (seen) this.#fetch().catch(() => {}); // the studio does not answer: said elsewhere
  }

  async #fetch() {
    const id = this.#opened;
    const [{ comments }, review, people] = await Promise.all([this.api.comments(id), this.api.review(id), this.api.people()]);
    if (id !== this.#opened) return;
    this.#known = comments;
    this.store.set({ review, people });
    this.#show();
  }

  /** The comments as the studio knows them, with what waits for it laid over. */
  #show() {
    const waiting = this.queue.jobs.map(({ record }) => record).filter((record) => record?.kind === "comment");
    this.store.set({ comments: waiting.reduce((comments, record) => this.#altered(comments, record), this.#known) });
  }

  #altered(comments, { comment: id, change, at }) {
    if (change === null) return comments.filter((comment) => comment.id !== id);
    const [by, when] = change.resolved ? [this.store.state.people.me, at] : [null, null];
    const patch = change.resolved === undefined ? change : { resolved_by: by, resolved_at: when };
    return comments.map((comment) => (comment.id === id ? { ...comment, ...patch } : comment));
  }
}
