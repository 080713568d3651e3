/* The strip of small pictures along the timeline, fetched in tiles of eight pictures that later views use again.
   In: address(start, stop, n, h) of a tile's picture. Out: pixels of a canvas. Where the studio has no such route, or a tile
   cannot be had, nothing is drawn and nothing is said: the strip is a help, not data. */

import { GUTTER, STRIP } from "./geometry.js";
import { frameToX } from "./scale.js";

const PICTURES = 8; // in a tile
const TILES_KEPT = 96;
const AT_ONCE = 2; // requests under way
const PATIENCE = 120; // ms of rest before anything is fetched
const LEAST = 0.7; // of a picture's own width: narrower ones are not asked for
const PROVISIONAL = 15_000; // ms after which pictures that the studio had only roughly are asked for again

export class Strip {
  #tiles = new Map(); // url -> {start, stop, count, step, picture: ImageBitmap or null, until: when to ask again}
  #loading = 0;
  #timer = null;
  #wanted = [];
  #turn = 0;

  /** changed: called when there is something new to draw, or when it turns out that there are no strips. */
  constructor(changed) {
    Object.assign(this, { changed, available: false, address: null, length: 0, aspect: 1 });
  }

  /** Another video, or none (address null). */
  open(address, { length, width, height }) {
    this.#turn++;
    for (const { picture } of this.#tiles.values()) picture?.close();
    this.#tiles.clear();
    this.#wanted = [];
    Object.assign(this, { address, length, aspect: width / height, available: address !== null });
  }

  draw(context, { range, geometry, ratio, colors }) {
    if (!this.available) return;
    const { width, full, stripTop } = geometry;
    context.save();
    context.beginPath();
    context.rect(GUTTER, stripTop, full - GUTTER, STRIP - 1);
    context.clip();
    context.fillStyle = colors.sunken;
    context.fillRect(GUTTER, stripTop, full - GUTTER, STRIP);
    const step = this.#step(range, width);
    const usable = [...this.#tiles.values()].filter((tile) => tile.picture && tile.step >= step);
    usable.sort((a, b) => b.step - a.step);
    for (const tile of usable) {
      if (tile.start < range.end && tile.stop > range.start) this.#drawTile(context, tile, range, width, stripTop);
    }
    context.restore();
    this.#ask(range, step, Math.round((STRIP - 2) * Math.min(2, ratio)));
  }

  /** Frames from one picture to the next: a power of two, so that tiles of one zoom fit all its views. */
  #step(range, width) {
    const perPixel = (range.end - range.start) / width;
    return 2 ** Math.max(0, Math.ceil(Math.log2(perPixel * (STRIP - 2) * this.aspect * LEAST)));
  }

  #drawTile(context, { start, stop, count, picture }, range, width, top) {
    const each = picture.width / count;
    for (let i = 0; i < count; i++) {
      const left = GUTTER + frameToX(start + ((stop - start) * i) / count, range, width);
      const right = GUTTER + frameToX(start + ((stop - start) * (i + 1)) / count, range, width);
      if (right < GUTTER || left > GUTTER + width * 1.1) continue;
      const room = right - left - 1;
      const high = STRIP - 3;
      const scale = Math.max(room / each, high / picture.height); // fills its room; what is over is cut off evenly
      const [wide, tall] = [room / scale, high / scale];
      const [x, y] = [i * each + (each - wide) / 2, (picture.height - tall) / 2];
      context.drawImage(picture, x, y, wide, tall, left, top + 1, room, high);
    }
  }

  #ask(range, step, height) {
    const frames = step * PICTURES;
    const first = Math.floor(Math.max(0, range.start) / frames);
    const last = Math.ceil(Math.min(this.length, range.end) / frames);
    this.#wanted = [];
    for (let index = first; index < last; index++) {
      const start = index * frames;
      const stop = Math.min(this.length, start + frames);
      const count = Math.ceil((stop - start) / step);
      const url = this.address(start, stop, count, height);
      const known = this.#tiles.get(url);
      if (!known || known.until < performance.now()) this.#wanted.push({ url, start, stop, count, step });
    }
    clearTimeout(this.#timer);
    if (this.#wanted.length) this.#timer = setTimeout(() => this.#fetchNext(), PATIENCE);
  }

  #fetchNext() {
    while (this.#loading < AT_ONCE && this.#wanted.length && this.available) this.#fetch(this.#wanted.shift());
  }

  async #fetch({ url, ...tile }) {
    const turn = this.#turn;
    this.#loading++;
    const before = this.#tiles.get(url)?.picture ?? null;
    this.#tiles.set(url, { ...tile, picture: before, until: Infinity });
    const { picture, until, missing } = await fetchPicture(url);
    this.#loading--;
    if (turn !== this.#turn) return picture?.close();
    if (missing) this.available = false;
    else this.#tiles.set(url, { ...tile, picture: picture ?? before, until });
    if (picture) before?.close();
    this.#forget();
    this.changed();
    this.#fetchNext();
  }

  #forget() {
    for (const [url, { picture }] of this.#tiles) {
      if (this.#tiles.size <= TILES_KEPT) return;
      picture?.close();
      this.#tiles.delete(url);
    }
  }
}

/** {picture, until, missing}: the picture or null; until when it holds; whether the studio has no strips at all. */
async function fetchPicture(url) {
  const none = { picture: null, until: Infinity, missing: false };
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) return { ...none, missing: response.status === 404 };
    const rough = response.headers.get("cache-control")?.includes("no-store");
    const picture = await createImageBitmap(await response.blob());
    return { ...none, picture, until: rough ? performance.now() + PROVISIONAL : Infinity };
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return none;
    throw error;
  }
}
