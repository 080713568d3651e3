/* One mask on its way to the server: a stroke, or a mask erased away (counts null).
   In: a record {key, kind: "mask", video, track, frame, size, counts, rev, text} and what the mask cache knows of the place
   (`unsaved`). Out: a job for save_queue.js. If the server has another mask by now, both versions become a conflict, in the
   journal and in the store's `conflicts`; neither is lost. */

import { decodeCounts } from "../rle.js";
import { requestKey } from "../request_key.js";

export function maskRecord(video, { frame, track, size, counts, rev, text }) {
  return { key: requestKey(), kind: "mask", video, track, frame, size, counts, rev, text };
}

/** What the mask cache shows for a record: an entry, or null for a mask erased away. */
export function entryOf({ frame, track, size, counts }) {
  if (counts === null) return null;
  return { frame, track, size, counts, runs: decodeCounts(counts), score: null, source: "user", verified: true, rev: 0 };
}

export const sameCell = (a, b) => a.video === b.video && a.track === b.track && a.frame === b.frame;

export class MaskChange {
  #tries = 0;
  keepsRecord = false; // set when a refusal has become a conflict, which has taken over the record

  /** parts: {api, store, session, stage, queue, toast, saved?(rev of the video), drawn?(what is on the server now)} */
  constructor(parts, record, unsaved, entry = entryOf(record)) {
    Object.assign(this, { parts, record, unsaved, entry, rev: 0 });
  }

  async run() {
    this.#tries++;
    const answer = await this.#save();
    this.rev = answer.rev;
    const { session } = this.parts;
    const masks = this.#masks();
    this.unsaved.rev = answer.rev;
    this.parts.saved?.(answer.video_rev);
    if (!masks) {
      this.unsaved.saves--; // its video is not open: there is no cache to tell
      return;
    }
    masks.settle(this.unsaved, this.entry, answer.rev);
    session.adopt(answer.video_rev, "none");
    if (this.#tries > 1 || this.record.resumed) this.#lookAgain(masks);
    session.refreshSoon();
    const { track, frame } = this.record;
    this.parts.drawn?.({ edit: answer.edit ?? null, tracks: [track], frames: [frame, frame] });
  }

  rejected(error) {
    const { queue, toast } = this.parts;
    const { track, frame } = this.record;
    const later = queue.withdraw((job) => job !== this && job.record?.kind === "mask" && sameCell(job.record, this.record));
    if (error.status === 409) this.#conflict(error, [this, ...later]);
    else toast(`Your mask of track ${track} in frame ${frame} was not saved: ${error.message}`, { tone: "error" });
    if (error.status !== 409) for (const job of later) queue.journal.remove(job.record.key);
    this.#showTheirs();
  }

  /** The latest of the refused versions is mine: each of them is the whole mask. */
  #conflict(error, jobs) {
    const { store, queue } = this.parts;
    const { video, track, frame, size } = this.record;
    const current = error.body?.current;
    const theirs = current?.counts ? { counts: current.counts, rev: current.rev } : null;
    const { key, counts, text, tab, at } = jobs.at(-1).record;
    const conflict = { key: `${key}-c`, kind: "conflict", video, track, frame, size, mine: counts, theirs, text, tab, at };
    for (const job of jobs) job.keepsRecord = true;
    queue.journal.replace(jobs.map((job) => job.record.key), conflict);
    const others = store.state.conflicts.filter((one) => !sameCell(one, conflict));
    store.set({ conflicts: [...others, conflict] });
  }

  #showTheirs() {
    const { session, stage } = this.parts;
    const masks = this.#masks();
    if (!masks) return;
    masks.reject(this.unsaved);
    stage.showMasks(this.record.frame, masks.peek(this.record.frame));
    session.refreshSoon();
    session.navigator.refresh();
  }

  /** The answer may be that of an earlier try, and others may have gone on since. */
  #lookAgain(masks) {
    masks.invalidate(this.record.frame, this.record.frame);
    this.parts.session.navigator.refresh();
  }

  /** The cache of the record's video, if that one is open. */
  #masks() {
    const { store, session } = this.parts;
    return store.state.video?.id === this.record.video ? session.masks : null;
  }

  /** A refusal whose current mask is this very one means that an earlier try did arrive. */
  async #save() {
    const { api } = this.parts;
    const { key, video, track, frame } = this.record;
    try {
      if (!this.entry) return await api.deleteMask(video, track, frame, this.unsaved.rev, key);
      return await api.putMask(video, track, frame, this.entry.runs, this.unsaved.rev, key);
    } catch (error) {
      const current = error.body?.current;
      if (error.status !== 409 || (current?.counts ?? null) !== this.record.counts) throw error;
      return { rev: current?.rev ?? 0 };
    }
  }
}
