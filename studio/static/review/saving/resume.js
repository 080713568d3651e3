/* What earlier visits could not send any more: taken up from the journal and sent in its order, and shown over the masks of its
   video until the server has it. In: the parts of the page. Out: jobs in the save queue, conflicts in the store. */

import { entryOf, MaskChange, sameCell } from "./mask_change.js";
import { orphans, TAB } from "./tab.js";

/** Resolves to how many changes were taken up. */
export async function resume(parts) {
  const { queue, store } = parts;
  const records = await orphans(await queue.journal.all());
  if (records.length === 0) return 0;
  await queue.journal.adopt(records.map(({ key }) => key), TAB);
  const conflicts = records.filter(({ kind }) => kind === "conflict");
  const changes = records.filter(({ kind }) => kind !== "conflict").map((record) => ({ ...record, resumed: true }));
  const jobs = jobsOf(parts, changes);
  if (conflicts.length) store.set({ conflicts: [...store.state.conflicts, ...conflicts] });
  queue.resume(jobs);
  carryOver(parts);
  return jobs.length;
}

/** Shows what still waits over the masks of the video that is open. */
export function carryOver({ queue, store, session }) {
  for (const { record, unsaved } of queue.jobs) {
    if (unsaved && record.video === store.state.video?.id) session.masks.carryOver(unsaved);
  }
}

function jobsOf(parts, records) {
  const cells = []; // {record of the first change, unsaved}: one for all changes of a mask
  const own = new OwnRevisions();
  return records.map((record) => {
    if (record.kind !== "mask") return new ResumedChange(parts, record, own);
    const entry = entryOf(record);
    let cell = cells.find((one) => sameCell(one.record, record));
    if (!cell) {
      const { track, frame, rev } = record;
      cells.push((cell = { record, unsaved: { track, frame, rev, saves: 0, dropped: false } }));
    }
    cell.unsaved.entry = entry;
    cell.unsaved.saves++;
    return new MaskChange({ ...parts, saved: (rev) => own.add(record.video, rev) }, record, cell.unsaved, entry);
  });
}

/** An operation, an undo, a redo, what was done to a note, or said of a moment of the queue, in an earlier visit. */
class ResumedChange {
  constructor(parts, record, own) {
    Object.assign(this, { parts, record, own });
  }

  async run() {
    const { session, store } = this.parts;
    const { video } = this.record;
    const answer = await this.#send();
    if (answer?.job !== undefined) this.#follow(answer); // other changes need not wait for it
    if (answer?.rev === undefined) return; // a note, or what was said of a moment of the queue, changes no mask
    this.own.add(video, answer.rev);
    if (store.state.video?.id !== video) return;
    session.adopt(answer.rev);
    await session.refreshNow();
  }

  rejected(error) {
    const { toast, session } = this.parts;
    if (["settle", "comment"].includes(this.record.kind) && error.status === 404) return; // it is gone: mended, or deleted
    toast(`Left undone from your last visit: ${this.record.text}. ${error.message}`, { tone: "error" });
    session.refreshSoon();
  }

  /** Shows an operation that the worker does, as soon as its video is open: what was left undone may be sent before. */
  async #follow(underway) {
    const { store, operations } = this.parts;
    const { video, op, body, key } = this.record;
    await store.until(["video"], ({ video: open }) => open?.id === video);
    await operations.follow(video, op, body, key, underway);
  }

  /** The changes sent just before it, the person knew of; what others did since, the server minds. */
  #send() {
    const { api } = this.parts;
    const { kind, video, op, body, key, seen, suggestion, state, note, comment, change } = this.record;
    if (kind === "settle") return api.settleSuggestion(video, suggestion, state);
    if (kind === "note") return api.addComment(video, note, key);
    if (kind === "comment") return api.alterComment(comment, change);
    if (kind !== "operation") return api[kind](video, key);
    return api.operate(video, op, body, { key, rev: this.own.after(video, seen) });
  }
}

/** Revisions that these changes made, by video. */
class OwnRevisions {
  #made = new Map();

  add(video, rev) {
    if (!this.#made.has(video)) this.#made.set(video, new Set());
    this.#made.get(video).add(rev);
  }

  /** The revision that a person who saw `rev` knows, since all that followed is their own. */
  after(video, rev) {
    let known = rev;
    while (this.#made.get(video)?.has(known + 1)) known++;
    return known;
  }
}
