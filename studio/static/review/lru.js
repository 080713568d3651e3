/* A map that forgets what was used longest ago once its weight passes a limit.
   In: limit, weight of a value, what to do with a value that leaves. One pinned key never leaves. */

export class LruMap {
  #entries = new Map();
  #weight = 0;
  #pinned = undefined;

  constructor({ limit, weigh = () => 1, dispose = () => {} }) {
    this.limit = limit;
    this.weigh = weigh;
    this.dispose = dispose;
  }

  get size() {
    return this.#entries.size;
  }

  has(key) {
    return this.#entries.has(key);
  }

  get(key) {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key, value) {
    this.delete(key);
    this.#entries.set(key, value);
    this.#weight += this.weigh(value);
    this.#shrink();
  }

  delete(key) {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.weigh(value);
    this.dispose(value);
  }

  /** Keeps this key until another one is pinned. */
  pin(key) {
    this.#pinned = key;
    this.#shrink();
  }

  clear() {
    for (const key of [...this.#entries.keys()]) this.delete(key);
    this.#pinned = undefined;
  }

  values() {
    return this.#entries.values();
  }

  #shrink() {
    const newest = [...this.#entries.keys()].at(-1);
    for (const key of [...this.#entries.keys()]) {
      if (this.#weight <= this.limit) return;
      if (key !== this.#pinned && key !== newest) this.delete(key);
    }
  }
}
