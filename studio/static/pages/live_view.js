/* The newest frame of a running job with its masks, drawn by the review stage's own canvas.

   In: a video and how many of its frames are done. Out: pixels. Asks for one frame at a time, always the newest one; what
   finished while it was asking is skipped. */

import { get, url } from "./api.js";
import { loadStyles } from "../review/page.js";
import { decodeCounts } from "../review/rle.js";
import { Stage } from "../review/stage.js";
import { createStore } from "../review/store.js";

const HEIGHT = 720; // pixels asked of the server; the canvas scales

/** A stage that only shows: {store, stage}. */
export function stageOf() {
  const store = createStore({
    video: null,
    tracks: [],
    selected: null,
    hovered: null,
    hidden: new Set(),
    solo: null,
    opacity: 0.45,
    showMasks: true,
    showLabels: true,
    view: { scale: 1, x: 0, y: 0 },
  });
  loadStyles(new URL("../css/", import.meta.url));
  return { store, stage: new Stage(store) };
}

export class LiveView {
  #busy = false;
  #shown = -1;

  constructor() {
    Object.assign(this, stageOf());
    this.root = this.stage.root;
  }

  /** Starts with the video's first frame, without masks. */
  async open(video) {
    this.#shown = -1;
    this.stage.clear();
    this.store.set({ video, tracks: [] });
    this.stage.fit();
    await this.show(0);
  }

  /** Shows the last of the frames that are done, unless an earlier request is still under way. */
  async update(framesDone) {
    if (framesDone - 1 > this.#shown) await this.show(framesDone - 1);
  }

  async show(frame) {
    if (this.#busy) return;
    this.#busy = true;
    const { video } = this.store.state;
    try {
      const [picture, masks, tracks] = await Promise.all([
        fetch(url(`/videos/${video.id}/frames/${frame}.jpg?h=${Math.min(HEIGHT, video.height)}`))
          .then((response) => response.blob())
          .then((blob) => createImageBitmap(blob)),
        get(`/videos/${video.id}/masks?start=${frame}&n=1`),
        get(`/videos/${video.id}/tracks`),
      ]);
      const entries = masks.frames[0].map((mask) => ({ ...mask, frame, runs: decodeCounts(mask.counts) }));
      this.store.set({ tracks: tracks.tracks });
      this.stage.show(frame, picture, entries);
      this.#shown = frame;
    } finally {
      this.#busy = false;
    }
  }
}
