/* The masks of a video in chunks of 32 frames, with strokes that are not yet saved laid over them.
   In: masks as the server sends them. Out: per frame a list of entries {frame, track, runs, score, source, verified, rev}.
   An outdated chunk can still be shown, but is fetched again before it counts as ready. */

import { LruMap } from "./lru.js";
import { decodeCounts } from "./rle.js";

const CHUNK = 32;
const CHUNKS_KEPT = 48;

const chunkOf = (frame) => Math.floor(frame / CHUNK);

export class MaskCache {
  #chunks = new LruMap({ limit: CHUNKS_KEPT }); // chunk index -> {epoch, frames}
  #epochs = new Map(); // chunk index -> how often it became outdated
  #loading = new Map(); // chunk index -> promise
  #unsaved = new Map(); // "frame/track" -> {frame, track, entry or null, saves under way, rev, dropped}

  /** fetchMasks: (start, count) -> the server's answer. */
  constructor(fetchMasks, length) {
    this.fetchMasks = fetchMasks;
    this.length = length;
  }

  /** Whether the frame's masks are here and up to date. */
  ready(frame) {
    const chunk = this.#chunks.get(chunkOf(frame));
    return chunk !== undefined && chunk.epoch === this.#epoch(chunkOf(frame));
  }

  /** Entries of the frame, fetched when missing or outdated. */
  async at(frame) {
    if (!this.ready(frame)) await this.#load(chunkOf(frame));
    return this.peek(frame);
  }

  /** Entries as far as known now, or null when they were never fetched. */
  peek(frame) {
    const saved = this.#savedEntries(frame);
    if (!saved) return null;
    const unsaved = [...this.#unsaved.values()].filter((candidate) => candidate.frame === frame);
    const replaced = new Set(unsaved.map(({ track }) => track));
    const drawn = unsaved.map(({ entry }) => entry).filter(Boolean);
    return [...saved.filter((entry) => !replaced.has(entry.track)), ...drawn];
  }

  find(frame, track) {
    return this.peek(frame)?.find((entry) => entry.track === track) ?? null;
  }

  prefetch(frame, direction) {
    const neighbour = frame + direction * CHUNK;
    if (neighbour < 0 || neighbour >= this.length || this.ready(neighbour)) return;
    this.#load(chunkOf(neighbour)).catch(() => {}); // reported when the frame itself is asked for
  }

  /** Everything between the frames first and last (inclusive) has to be fetched again. */
  invalidate(first = 0, last = this.length - 1) {
    for (let index = chunkOf(first); index <= chunkOf(last); index++) this.#epochs.set(index, this.#epoch(index) + 1);
  }

  /** Lays an unsaved mask (an entry, or null for a mask erased away) over the saved one. Returns the record of what is
   *  unsaved: `rev` is the revision on the server that the next save builds on, 0 where there is no mask. */
  overlay(frame, track, entry) {
    const key = `${frame}/${track}`;
    let unsaved = this.#unsaved.get(key);
    if (!unsaved) {
      const saved = this.#savedEntries(frame)?.find((candidate) => candidate.track === track);
      unsaved = { frame, track, saves: 0, rev: saved?.rev ?? 0, dropped: false };
      this.#unsaved.set(key, unsaved);
    }
    unsaved.entry = entry;
    unsaved.saves++;
    return unsaved;
  }

  /** Lays what an earlier visit, or an earlier opening of the video, left unsaved over the saved masks. */
  carryOver(unsaved) {
    this.#unsaved.set(`${unsaved.frame}/${unsaved.track}`, unsaved);
  }

  /** One save has ended well: `entry` (or null) is what the server now holds under the revision `rev`. */
  settle(unsaved, entry, rev) {
    const { frame, track } = unsaved;
    if (entry) entry.rev = rev;
    unsaved.rev = entry ? rev : 0;
    if (--unsaved.saves <= 0) this.#unsaved.delete(`${frame}/${track}`);
    if (this.#loading.has(chunkOf(frame))) this.invalidate(frame, frame); // that answer may be older than this save
    const chunk = this.#chunks.get(chunkOf(frame));
    if (!chunk) return;
    const others = chunk.frames[frame % CHUNK].filter((candidate) => candidate.track !== track);
    chunk.frames[frame % CHUNK] = entry ? [...others, entry] : others;
  }

  /** The server refused: all unsaved strokes on that mask are dropped and the server's mask is fetched again. */
  reject(unsaved) {
    unsaved.dropped = true;
    this.#unsaved.delete(`${unsaved.frame}/${unsaved.track}`);
    this.invalidate(unsaved.frame, unsaved.frame);
  }

  #epoch(index) {
    return this.#epochs.get(index) ?? 0;
  }

  #savedEntries(frame) {
    return this.#chunks.get(chunkOf(frame))?.frames[frame % CHUNK] ?? null;
  }

  #load(index) {
    if (!this.#loading.has(index)) {
      const promise = this.#fetchUntilCurrent(index);
      const forget = () => this.#loading.delete(index);
      this.#loading.set(index, promise);
      promise.then(forget, forget);
    }
    return this.#loading.get(index);
  }

  async #fetchUntilCurrent(index) {
    const start = index * CHUNK;
    let epoch;
    do {
      epoch = this.#epoch(index);
      const answer = await this.fetchMasks(start, Math.min(CHUNK, this.length - start));
      const known = this.#chunks.get(index)?.frames ?? [];
      const frames = answer.frames.map((masks, i) => readEntries(masks, start + i, known[i] ?? []));
      this.#chunks.set(index, { epoch, frames });
    } while (this.#epoch(index) !== epoch);
  }
}

/** The server's masks of one frame as entries. An unchanged mask keeps its old entry, and with it its drawn sprite. */
function readEntries(masks, frame, known) {
  return masks.map((mask) => {
    const same = known.find((entry) => entry.track === mask.track && entry.rev === mask.rev && entry.counts === mask.counts);
    return same ?? { ...mask, frame, runs: decodeCounts(mask.counts) };
  });
}
