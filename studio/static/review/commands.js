/* What a person does besides operations (operations/): select tracks, paint masks, add categories, undo and redo.
   In: the store's selection and frame. Out: requests in the order of the deeds (save_queue.js), sentences as toasts.
   A stroke shows at once and is saved behind; everything else shows when the server has done it. */

import { requestKey } from "./request_key.js";
import { areaOfRuns, encodeCounts } from "./rle.js";
import { entryOf, MaskChange, maskRecord } from "./saving/mask_change.js";

export class Commands {
  #answer = null; // of whoever asks for a track
  #closeToast = null; // of the latest undo or redo: one of these at a time

  constructor(api, store, session, queue, stage, toast) {
    Object.assign(this, { api, store, session, queue, stage, toast });
    this.withdraw = () => false; // again/ says here how to stop what is still under way
    this.drawn = () => {}; // and queue/ what follows a stroke that is saved, {edit, tracks, frames},
    this.after = () => {}; // and an undo or redo: (direction, the entry of the history with its frames)
  }

  /** What a click on a track does, on the stage, in the list or on the timeline: selects it, or is the answer (`ask`). */
  click(track, how) {
    if (this.#answer && track !== null) this.#answer(track);
    else this.select(track, how);
  }

  /** Selects a track alone, or (add: Ctrl) takes it in or out of the selection, or (extend: Shift) takes in all tracks
   *  from the selected one to it, in the order of the list. null: nothing. */
  select(track, { add = false, extend = false } = {}) {
    const { selected, selection } = this.store.state;
    if (track === null) return add || extend ? undefined : this.store.set({ selected: null, selection: [] });
    if (extend && selected !== null) {
      const between = this.#between(selected, track);
      return this.store.set({ selection: [...new Set([...selection, ...between])], selected: track });
    }
    if (!add) return this.store.set({ selected: track, selection: [track] });
    const rest = selection.filter((id) => id !== track);
    if (rest.length < selection.length) return this.store.set({ selection: rest, selected: rest.at(-1) ?? null });
    return this.store.set({ selection: [...selection, track], selected: track });
  }

  selectAll() {
    const ids = this.#listed();
    this.store.set({ selection: ids, selected: this.store.state.selected ?? ids[0] ?? null });
  }

  /** The next track that is clicked is given to `answer` instead of being selected. Returns a function that ends the asking. */
  ask(answer) {
    this.#answer = answer;
    return () => {
      if (this.#answer === answer) this.#answer = null;
    };
  }

  /** What a stroke starts from, or null with a sentence why it cannot. */
  strokeStart() {
    const { frame, selected, tracks, hidden, solo } = this.store.state;
    const track = tracks.find(({ id }) => id === selected);
    if (!track) {
      this.toast("Select a track first, or press N to start a new one.");
      return null;
    }
    const entries = this.session.masks?.peek(frame);
    if (!entries) {
      this.toast("The masks of this frame are still loading. Try again in a moment.");
      return null;
    }
    if (hidden.has(selected)) this.toggleHidden(selected);
    if (solo !== null && solo !== selected) this.store.set({ solo: null });
    this.store.set({ showMasks: true });
    const runs = entries.find((entry) => entry.track === selected)?.runs ?? null;
    return { frame, track: selected, runs, color: track.color };
  }

  /** Takes over the painted mask and saves it. A mask erased to nothing means the object is absent there. */
  strokeEnd(layer) {
    const { frame, track, width, height } = layer;
    const runs = layer.runs();
    const { masks } = this.session;
    const before = masks.find(frame, track);
    const empty = areaOfRuns(runs) === 0;
    if (empty ? !before : before && sameRuns(before.runs, runs)) return;
    const counts = empty ? null : encodeCounts(runs);
    const text = `${empty ? "Erased" : before ? "Changed" : "Drew"} track ${track} in frame ${frame}`;
    const change = { frame, track, size: [height, width], counts, rev: before?.rev ?? 0, text };
    const record = maskRecord(this.store.state.video.id, change);
    const entry = entryOf(record);
    const unsaved = masks.overlay(frame, track, entry);
    record.rev = unsaved.rev;
    this.stage.showMasks(frame, masks.peek(frame));
    this.queue.push(new MaskChange(this, record, unsaved, entry));
  }

  async addCategory(name) {
    try {
      await this.api.addCategory(this.store.state.video.project_id, name);
      await this.session.refreshNow();
      return this.store.state.video.categories.find((category) => category.name === name) ?? null;
    } catch (error) {
      this.toast(error.message, { tone: "error" });
      return null;
    }
  }

  /** What was asked for last and is not done yet is what is taken back. */
  undo() {
    if (!this.withdraw()) this.#revert("undo", "Undid");
  }

  redo() {
    this.#revert("redo", "Redid");
  }

  toggleHidden(track) {
    const hidden = new Set(this.store.state.hidden);
    if (!hidden.delete(track)) hidden.add(track);
    this.store.set({ hidden });
  }

  toggleSolo(track) {
    this.store.set({ solo: this.store.state.solo === track ? null : track });
  }

  /** Ids in the order of the list: the state key `listed` where the list is sorted or filtered. */
  #listed() {
    const { listed, tracks } = this.store.state;
    return listed ?? tracks.map(({ id }) => id);
  }

  #between(one, other) {
    const ids = this.#listed();
    const [from, to] = [ids.indexOf(one), ids.indexOf(other)].sort((a, b) => a - b);
    return from < 0 ? [other] : ids.slice(from, to + 1);
  }

  /** Undo or redo; shows the frame and the track it concerned. */
  #revert(direction, verb) {
    const { id } = this.store.state.video ?? {};
    if (!id) return;
    const key = requestKey();
    this.queue.push({
      record: { key, kind: direction, video: id, text: direction === "undo" ? "Undo" : "Redo" },
      run: async () => {
        const answer = await this.api[direction](id, key);
        if (this.store.state.video?.id !== id) return;
        if (!answer.edit) {
          this.toast(`Nothing to ${direction}.`);
          return;
        }
        this.session.adopt(answer.rev, answer.frames ?? null);
        await this.session.refreshNow();
        this.#showWhere(answer);
        this.#closeToast?.();
        this.#closeToast = this.toast(`${verb}: ${answer.edit.summary}`) ?? null;
        this.after(direction, { ...answer.edit, frames: answer.frames });
      },
      rejected: (error) => this.#refused(error),
    });
  }

  #showWhere({ tracks = [], frames }) {
    const { want, tracks: existing } = this.store.state;
    if (frames) this.session.navigator.go(Math.max(frames[0], Math.min(frames[1], want)));
    if (tracks.length === 1 && existing.some(({ id }) => id === tracks[0])) this.select(tracks[0]);
  }

  #refused(error) {
    this.toast(error.message, { tone: "error" });
    this.session.refreshSoon();
  }
}

function sameRuns(a, b) {
  return a.length === b.length && a.every((run, i) => run === b[i]);
}
