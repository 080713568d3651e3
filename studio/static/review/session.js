/* One open video: what the server says about it, its frames and masks, and the watch for changes by others.
   In: a video's id. Out: state keys video, tracks, timeline, edits, rev, problem; frames and masks for the stage.
   Changes nothing on the server (commands.js does). */

import { ApiError } from "./api.js";
import { FrameCache, pictureHeight } from "./frame_cache.js";
import { MaskCache } from "./mask_cache.js";
import { Navigator } from "./navigator.js";

const POLL_RUNNING = 1000; // ms, while the model is at work
const POLL_QUIET = 5000; // ms, for changes by other people
const LISTS_DELAY = 150; // ms, so that quick strokes ask for the lists once

const UNKNOWN = undefined; // of a revision: who made it, and what it touched

const NO_EDITS = { edits: [], can_undo: false, can_redo: false };

export const CLOSED = {
  video: null, tracks: [], timeline: {}, verified: {}, edits: NO_EDITS, rev: 0, want: 0, frame: -1, direction: 1, drawnFrame: -1,
  selected: null, selection: [], span: null, hovered: null, hidden: new Set(), locked: new Set(), solo: null,
  suggestions: [], suggestion: null, queueLook: null, comments: [], progress: null,
  problem: "", loading: "", playing: false, dropped: 0,
};

export const isRunning = (run) => run?.state === "queued" || run?.state === "running";
const allRuns = (video) => [video?.run, ...(video?.runs ?? [])].filter(Boolean);
const standing = (video) => JSON.stringify(allRuns(video).map(({ state, progress }) => [state, progress]));

export class Session {
  #own = new Set(); // revisions that this page made
  #turn = 0; // counts openings; answers to an earlier one are ignored
  #pollTimer = null;
  #listsTimer = null;
  #listsPending = null;

  /** busy: () -> whether own changes are under way, in which case polling waits. */
  constructor(api, store, stage, { busy, toast }) {
    Object.assign(this, { api, store, stage, busy, toast, frames: null, masks: null });
    this.navigator = new Navigator(store, {
      load: (frame) => this.#load(frame),
      show: (frame, content) => this.#show(frame, content),
      failed: (error, frame) => this.toast(`Frame ${frame}: ${error.message}`, { tone: "error" }),
    });
    let height;
    store.watch(["view", "video"], () => {
      if (height !== (height = this.#pictureHeight()) && store.state.frame >= 0) this.navigator.refresh();
    });
  }

  /** frame: to show, null: the first one, or of a video that is open already the one on show. */
  async open(id, frame = null) {
    if (id === this.store.state.video?.id) {
      if (frame !== null) this.navigator.go(frame);
      return this.refreshSoon();
    }
    const turn = ++this.#turn;
    this.#close();
    if (id === null || id === undefined || id === "") return undefined;
    this.store.set({ loading: "Opening the video…" });
    try {
      const video = await this.#whenImported(id, turn);
      const lists = await this.#fetchLists(id);
      if (turn !== this.#turn) return undefined;
      this.frames = new FrameCache({
        address: (frame, height) => this.api.frameUrl(id, frame, height, video.version),
        height: () => this.#pictureHeight(),
        size: video,
        length: video.length,
      });
      this.masks = new MaskCache((start, count) => this.api.masks(id, start, count), video.length);
      this.store.set({ ...lists, video, loading: "" });
      this.stage.fit();
      this.navigator.go(frame ?? 0);
      this.#poll(turn);
    } catch (error) {
      if (turn === this.#turn) this.store.set({ loading: "", problem: error.message });
    }
    return undefined;
  }

  /** Asks for everything again; what has not changed stays as it is. A failure is told, not thrown. */
  async refreshNow() {
    const turn = this.#turn;
    try {
      await this.#refresh(turn);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.toast(error.message, { tone: "error" });
    }
  }

  async #refresh(turn) {
    const { video } = this.store.state;
    if (!video) return;
    const [fresh, lists] = await Promise.all([this.api.video(video.id), this.#fetchLists(video.id)]);
    if (turn !== this.#turn) return;
    const { rev, ...rest } = lists;
    this.store.set({ video: fresh, ...rest });
    this.#dropVanished();
    this.adopt(rev);
  }

  /** Fetches tracks, timeline and history soon, once for many calls. */
  refreshSoon() {
    clearTimeout(this.#listsTimer);
    this.#listsPending ??= Promise.withResolvers();
    const pending = this.#listsPending;
    this.#listsTimer = setTimeout(() => {
      this.#listsPending = null;
      this.refreshNow().finally(() => pending.resolve());
    }, LISTS_DELAY);
  }

  /** The revision that a person who saw `rev` knows by now, since all that followed is their own. */
  afterOwn(rev) {
    let known = rev;
    while (this.#own.has(known + 1)) known++;
    return known;
  }

  /** A revision of the video became known. `touched` says which masks an own change may have altered: frames
   *  [first, last], null for all, or "none". Without it, when others changed something, all masks are fetched again. */
  adopt(rev, touched = UNKNOWN) {
    const known = this.store.state.rev;
    if (touched !== UNKNOWN) this.#noteOwn(rev);
    if (rev === undefined || rev <= known) return;
    const mine = Array.isArray(touched) || touched === "none";
    if (!mine || rev !== known + 1) this.masks.invalidate();
    else if (touched !== "none") this.masks.invalidate(...touched);
    this.store.set({ rev });
    if (this.store.state.want >= 0 && !this.masks.ready(this.store.state.want)) this.navigator.refresh();
  }

  /** An own change can be undone from now on; the lists say so only later. */
  #noteOwn(rev) {
    const { edits } = this.store.state;
    this.#own.add(rev);
    if (!edits.can_undo) this.store.set({ edits: { ...edits, can_undo: true } });
  }

  async idle() {
    while (this.#listsPending) await this.#listsPending.promise;
    await this.navigator.idle();
  }

  /** Stops the watch for changes; the page has gone. */
  end() {
    this.#turn++;
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#listsTimer);
  }

  #close() {
    clearTimeout(this.#pollTimer);
    this.frames?.close();
    this.frames = null;
    this.masks = null;
    this.#own.clear();
    this.stage.clear();
    this.store.set({ ...CLOSED, hidden: new Set(), locked: new Set() });
  }

  /** The video, once its import has ended. */
  async #whenImported(id, turn) {
    let video = await this.api.video(id);
    while (video.state === "importing" && turn === this.#turn) {
      this.store.set({ loading: `${video.name} is still being imported…` });
      await new Promise((resolve) => setTimeout(resolve, POLL_RUNNING));
      video = await this.api.video(id);
    }
    if (video.state === "failed") throw new ApiError(422, video.error ?? `${video.name} could not be imported.`);
    return video;
  }

  async #fetchLists(id) {
    const [tracks, timeline, edits] = await Promise.all([this.api.tracks(id), this.api.timeline(id), this.api.edits(id)]);
    return { tracks: tracks.tracks, timeline: timeline.tracks, verified: timeline.verified ?? {}, edits, rev: tracks.rev };
  }

  async #load(frame) {
    const [picture, masks] = await Promise.all([this.frames.get(frame), this.masks.at(frame)]);
    return { picture, masks };
  }

  #show(frame, { picture, masks }) {
    const { direction } = this.store.state;
    this.frames.pin(picture);
    this.stage.show(frame, picture, masks);
    this.store.set({ drawnFrame: frame });
    this.frames.prefetch(frame, direction);
    this.frames.rest(frame, direction, (sharp) => this.#sharpen(frame, sharp));
    this.masks.prefetch(frame, direction);
  }

  #sharpen(frame, picture) {
    if (this.store.state.drawnFrame !== frame || this.store.state.want !== frame) return;
    this.frames.pin(picture);
    this.stage.show(frame, picture, this.masks.peek(frame));
  }

  /** Selection and solo end with the track they point to. */
  #dropVanished() {
    const { tracks, selected, selection, solo } = this.store.state;
    const known = new Set(tracks.map(({ id }) => id));
    const exists = (id) => known.has(id);
    if (!selection.every(exists)) this.store.set({ selection: selection.filter(exists) });
    if (selected !== null && !exists(selected)) this.store.set({ selected: this.store.state.selection.at(-1) ?? null });
    if (solo !== null && !exists(solo)) this.store.set({ solo: null });
  }

  #pictureHeight() {
    const { video, view } = this.store.state;
    return video ? pictureHeight(video.height * view.scale * (window.devicePixelRatio || 1), video.height) : null;
  }

  #poll(turn) {
    const { video } = this.store.state;
    const wait = allRuns(video).some(isRunning) ? POLL_RUNNING : POLL_QUIET;
    this.#pollTimer = setTimeout(async () => {
      if (turn !== this.#turn) return;
      if (!document.hidden && this.stage.visible && !this.busy()) await this.#lookForChanges(turn);
      if (turn === this.#turn) this.#poll(turn);
    }, wait);
  }

  async #lookForChanges(turn) {
    const before = this.store.state;
    try {
      const video = await this.api.video(before.video.id);
      if (turn !== this.#turn || this.busy()) return;
      const changed = video.rev !== this.store.state.rev || isRunning(video.run) !== isRunning(before.video.run);
      this.store.set({ problem: "" });
      if (changed) await this.#refresh(turn);
      else if (standing(video) !== standing(before.video)) this.store.set({ video });
    } catch (error) {
      if (turn === this.#turn) this.store.set({ problem: error.message });
    }
  }
}
