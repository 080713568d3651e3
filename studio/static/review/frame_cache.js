/* Decoded frames by ordinal index, fetched as JPEG, newest kept, neighbours in the direction of travel fetched ahead.
   In: address of a frame's picture. Out: ImageBitmap. Never uses <video>: browsers show the wrong frame. */

import { ApiError } from "./api.js";
import { LruMap } from "./lru.js";

const MEMORY = 256 * 2 ** 20; // bytes of decoded pictures
const AHEAD = 10; // frames fetched ahead in the direction of travel
const BEHIND = 2;
const CONNECTIONS = 3; // prefetches at a time; a browser opens six, the frame that is wanted needs one free

export class FrameCache {
  #pictures = new LruMap({
    limit: MEMORY,
    weigh: (picture) => picture.width * picture.height * 4,
    dispose: (picture) => picture.close(),
  });
  #loading = new Map(); // url -> promise
  #queue = [];
  #prefetching = 0;
  #closed = false;

  /** address: (frame) -> url at the height wanted now. */
  constructor(address, length) {
    this.address = address;
    this.length = length;
  }

  has(frame) {
    return this.#pictures.has(this.address(frame));
  }

  async get(frame) {
    const url = this.address(frame);
    const picture = this.#pictures.get(url);
    return picture ?? this.#load(url);
  }

  /** The frame on show must not be closed under the canvas. */
  pin(frame) {
    this.#pictures.pin(this.address(frame));
  }

  /** Fetches the neighbours of a frame, those in the direction of travel (1 or -1) first; forgets earlier wishes. */
  prefetch(frame, direction, ahead = AHEAD) {
    const wanted = [];
    for (let step = 1; step <= ahead; step++) wanted.push(frame + step * direction);
    for (let step = 1; step <= BEHIND; step++) wanted.push(frame - step * direction);
    this.#queue = wanted.filter((index) => index >= 0 && index < this.length && !this.has(index));
    while (this.#prefetching < CONNECTIONS && this.#queue.length) this.#prefetchNext();
  }

  close() {
    this.#closed = true;
    this.#queue = [];
    this.#pictures.clear();
  }

  async #prefetchNext() {
    const frame = this.#queue.shift();
    if (frame === undefined || this.#closed) return;
    this.#prefetching++;
    try {
      await this.get(frame);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#queue = []; // the frame itself reports the failure when it is asked for
    } finally {
      this.#prefetching--;
    }
    this.#prefetchNext();
  }

  #load(url) {
    if (!this.#loading.has(url)) {
      const promise = fetchPicture(url).then((picture) => {
        if (this.#closed) picture.close();
        else this.#pictures.set(url, picture);
        return picture;
      });
      this.#loading.set(url, promise);
      const forget = () => this.#loading.delete(url);
      promise.then(forget, forget);
    }
    return this.#loading.get(url);
  }
}

async function fetchPicture(url) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "The studio does not answer. Check that it is still running.");
  }
  if (!response.ok) throw new ApiError(response.status, `The frame could not be read (${response.status}).`);
  try {
    return await createImageBitmap(await response.blob());
  } catch {
    throw new ApiError(422, "The frame's picture is damaged.");
  }
}

const HEIGHTS = [360, 540, 720, 1080, 1440, 2160];

/** The height to ask for: the smallest step that is not less than what the screen shows, null for the source's own. */
export function pictureHeight(shownHeight, sourceHeight) {
  const step = HEIGHTS.find((height) => height >= shownHeight);
  return step && step < sourceHeight ? step : null;
}
