/* Everything that can be done by a key or a command: one list for keyboard, tooltips, help sheet, palette and context menu.
   In: bindings {id, group, keys, text, run, when?, repeats?}; a key is written as keys.js names it. Own keys of the person
   come from the state key `keys`: {id: [key, ...]}. Out: lookups, and hints on elements that follow a changed key. */

import { keyCaps } from "./keys.js";

export class Bindings {
  #byId = new Map();
  #hints = new Set();

  constructor(store, toast) {
    Object.assign(this, { store, toast });
    store.watch(["keys"], () => this.#showHints());
  }

  get list() {
    return [...this.#byId.values()];
  }

  /** A binding whose id is known takes the place of the known one. */
  add(bindings) {
    for (const binding of bindings) this.#byId.set(binding.id, binding);
    this.#showHints();
  }

  get(id) {
    return this.#byId.get(id) ?? null;
  }

  /** All keys of a binding as they are now. */
  keysOf(id) {
    return this.store.state.keys[id] ?? this.#byId.get(id)?.keys ?? [];
  }

  /** Its first key as text for a tooltip, "Ctrl+Z"; "" if it has none. */
  keyOf(id) {
    const [key] = this.keysOf(id);
    return key ? keyCaps(key).join("+") : "";
  }

  /** The binding that a key belongs to, or null. */
  at(key) {
    return this.list.find(({ id }) => this.keysOf(id).includes(key)) ?? null;
  }

  /** Does it, or says why not now. */
  run(binding) {
    const { state } = this.store;
    const why = binding.when?.(state) ?? null;
    if (why) this.toast(why);
    else binding.run();
  }

  /** Names an element by what it does and the key that does it, now and after the key has changed. */
  hint(element, id, text = null) {
    const hint = { element: new WeakRef(element), id, text };
    this.#hints.add(hint);
    this.#show(hint);
    return element;
  }

  #showHints() {
    for (const hint of this.#hints) this.#show(hint);
  }

  #show(hint) {
    const element = hint.element.deref();
    if (!element) {
      this.#hints.delete(hint);
      return;
    }
    const text = hint.text ?? this.#byId.get(hint.id)?.text ?? "";
    const key = this.keyOf(hint.id);
    element.title = key ? `${text} (${key})` : text;
    element.setAttribute("aria-label", element.title);
  }
}
