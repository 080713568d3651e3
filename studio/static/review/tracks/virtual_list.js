/* A list of which only the rows in sight exist. In: keys, and how a row is made and filled. Out: an element that scrolls.
   A row stays the same element as long as its key is in sight. */

import { el, oncePerFrame } from "../dom.js";

const BEYOND = 4; // rows kept above and below what is in sight

export class VirtualList {
  #rows = new Map(); // key -> row {root}
  #keys = [];

  /** create: (key) -> {root, ...}; fill: (row, key) -> void, called whenever a row is shown or to be refreshed. */
  constructor({ rowHeight, create, fill, label }) {
    Object.assign(this, { rowHeight, create, fill });
    this.list = el("ul", { class: "ct-tracks-list", "aria-label": label });
    this.root = el("div", { class: "ct-tracks" }, this.list);
    const show = oncePerFrame(() => this.#show());
    this.root.addEventListener("scroll", show, { passive: true });
    new ResizeObserver(() => this.#show()).observe(this.root);
  }

  /** Rows in sight, by key. */
  get rows() {
    return this.#rows;
  }

  setKeys(keys) {
    this.#keys = keys;
    this.list.style.height = `${keys.length * this.rowHeight}px`;
    this.#show();
  }

  /** Fills the rows in sight again. */
  refresh() {
    for (const [key, row] of this.#rows) this.fill(row, key);
  }

  reveal(key) {
    const index = this.#keys.indexOf(key);
    if (index < 0) return;
    const top = index * this.rowHeight;
    const room = this.root.clientHeight;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + this.rowHeight > this.root.scrollTop + room) this.root.scrollTop = top + this.rowHeight - room;
  }

  #show() {
    const { rowHeight } = this;
    const first = Math.max(0, Math.floor(this.root.scrollTop / rowHeight) - BEYOND);
    const last = Math.min(this.#keys.length, Math.ceil((this.root.scrollTop + this.root.clientHeight) / rowHeight) + BEYOND);
    const wanted = new Set(this.#keys.slice(first, last));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.root.remove();
      this.#rows.delete(key);
    }
    for (let index = first; index < last; index++) this.#place(this.#keys[index], index, index - first);
  }

  #place(key, index, place) {
    let row = this.#rows.get(key);
    if (!row) {
      row = this.create(key);
      this.#rows.set(key, row);
      this.fill(row, key);
    }
    row.root.style.transform = `translateY(${index * this.rowHeight}px)`;
    row.root.setAttribute("aria-posinset", index + 1);
    row.root.setAttribute("aria-setsize", this.#keys.length);
    const here = this.list.children[place]; // in the order of the list, for Tab and for screen readers
    if (here !== row.root) this.list.insertBefore(row.root, here ?? null);
  }
}
