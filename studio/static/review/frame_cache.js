/* Decoded frames by ordinal index: what is wanted first, its neighbours in the direction of travel ahead of time.
   In: addresses of pictures. Out: ImageBitmaps, within a number of bytes. Never uses <video>: browsers show the wrong frame.
   The server keeps frames ready up to a height. Where more is wanted, that picture comes first, and the sharp one for who rests. */

import { LruMap } from "./lru.js";
import { fetchPicture, isAbort } from "./picture.js";
import { ApiError } from "./api.js";

const MEMORY = 256 * 2 ** 20; // bytes of decoded pictures
const AHEAD = 10; // frames fetched ahead in the direction of travel
const BEHIND = 2;
const CONNECTIONS = 3; // prefetches at a time; a browser opens six, the frame that is wanted needs one free
const REST = 90; // ms on one frame, after which its sharp picture is fetched
const SHARP_AHEAD = 2; // of those, once the one on show is there
export const READY = 720; // pixels of height that the server keeps ready

const weigh = ({ width, height }) => width * height * 4;

export class FrameCache {
  #pictures = new LruMap({ limit: MEMORY, weigh, dispose: (picture) => picture.close() });
  #urls = new WeakMap(); // picture -> url
  #loading = new Map(); // url -> {url, frame, controller, promise}
  #awaited = null; // the frame that somebody waits for
  #queue = []; // [frame, url] to be prefetched
  #prefetching = 0;
  #resting = null;
  #closed = false;

  /** address: (frame, height or null) -> url; height: () -> pixels wanted now, null for the video's own; size: {width, height}. */
  constructor({ address, height, size, length }) {
    Object.assign(this, { address, height, size, length });
  }

  has(frame) {
    return this.#pictures.has(this.#sharp(frame)) || this.#pictures.has(this.#quick(frame));
  }

  /** The picture of a frame, the sharp one if it is here. What is on its way to far frames is given up for it. */
  async get(frame) {
    this.#awaited = frame;
    const known = this.#pictures.get(this.#sharp(frame)) ?? this.#pictures.get(this.#quick(frame));
    if (known) return known;
    this.#giveUp((loading) => Math.abs(loading.frame - frame) > AHEAD);
    return this.#load(frame, this.#quick(frame));
  }

  /** The picture on show must not be closed under the canvas. */
  pin(picture) {
    this.#pictures.pin(this.#urls.get(picture));
  }

  /** Fetches the neighbours of a frame, those in the direction of travel (1 or -1) first; gives up what else is on its way. */
  prefetch(frame, direction, ahead = AHEAD) {
    const room = Math.floor((0.7 * MEMORY) / weigh(this.#quickSize()));
    const steps = (count, sign) => Array.from({ length: Math.min(count, room) }, (_, step) => frame + sign * (step + 1));
    const near = [...steps(ahead, direction), ...steps(BEHIND, -direction)].filter((t) => t >= 0 && t < this.length);
    const urls = new Set(near.map((t) => this.#quick(t)));
    this.#giveUp(({ url }) => !urls.has(url));
    this.#enqueue(near.filter((t) => !this.has(t)).map((t) => [t, this.#quick(t)]));
  }

  /** Calls back with the sharp picture of the frame on show, where that is another one, if nobody has moved on by then. */
  rest(frame, direction, show) {
    clearTimeout(this.#resting);
    const url = this.#sharp(frame);
    if (url === this.#quick(frame) || this.#pictures.has(url)) return;
    this.#resting = setTimeout(async () => {
      const timer = this.#resting;
      try {
        const picture = await this.#load(frame, url);
        if (timer !== this.#resting || this.#closed) return;
        show(picture);
        const next = Array.from({ length: SHARP_AHEAD }, (_, step) => frame + direction * (step + 1));
        this.#enqueue(next.filter((t) => t >= 0 && t < this.length).map((t) => [t, this.#sharp(t)]));
      } catch (error) {
        if (!isAbort(error) && !(error instanceof ApiError)) throw error; // the picture on show stays
      }
    }, REST);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#resting);
    this.#giveUp(() => true);
    this.#pictures.clear();
  }

  #sharp(frame) {
    return this.address(frame, this.height());
  }

  #quick(frame) {
    const height = this.height();
    return this.address(frame, (height ?? this.size.height) > READY ? READY : height);
  }

  #quickSize() {
    const height = Math.min(this.size.height, READY);
    return { height, width: (this.size.width * height) / this.size.height };
  }

  /** Stops what is on its way and answers to the description, but not the frame that somebody waits for. */
  #giveUp(unwanted) {
    this.#queue = [];
    for (const [url, loading] of this.#loading) {
      if (!this.#closed && loading.frame === this.#awaited) continue;
      if (!unwanted(loading)) continue;
      this.#loading.delete(url);
      loading.controller.abort();
    }
  }

  #enqueue(entries) {
    this.#queue.push(...entries);
    while (this.#prefetching < CONNECTIONS && this.#queue.length) this.#prefetchNext(...this.#queue.shift());
  }

  async #prefetchNext(frame, url) {
    if (this.#pictures.has(url) || this.#loading.has(url)) return;
    this.#prefetching++;
    try {
      await this.#load(frame, url);
    } catch (error) {
      if (error instanceof ApiError) this.#queue = []; // the frame itself reports the failure when it is asked for
      else if (!isAbort(error)) throw error;
    } finally {
      this.#prefetching--;
      this.#enqueue([]);
    }
  }

  #load(frame, url) {
    return (this.#loading.get(url) ?? this.#begin(frame, url)).promise;
  }

  #begin(frame, url) {
    const controller = new AbortController();
    const loading = { url, frame, controller, promise: null };
    loading.promise = fetchPicture(url, controller.signal)
      .then((picture) => this.#keep(url, picture))
      .finally(() => {
        if (this.#loading.get(url) === loading) this.#loading.delete(url);
      });
    loading.promise.catch(() => {}); // told to whoever waits for it
    this.#loading.set(url, loading);
    return loading;
  }

  #keep(url, picture) {
    if (this.#closed) {
      picture.close();
    } else {
      this.#urls.set(picture, url);
      this.#pictures.set(url, picture);
    }
    return picture;
  }
}

const HEIGHTS = [READY, 1080, 1440, 2160];

/** The height to ask for: the smallest step that is not less than what the screen shows, null for the source's own. */
export function pictureHeight(shownHeight, sourceHeight) {
  const step = HEIGHTS.find((height) => height >= shownHeight);
  return step && step < sourceHeight ? step : null;
}
