/* Everything that can be done by a key or a command: one list for keyboard, tooltips, help sheet, palette and context menu.
   In: bindings {id, group, keys, text, run, when?, repeats?}; a key is written as keys.js names it. Own keys of the person
   come from the state key `keys`: {id: [key, ...]}. Out: lookups, whether and why not a command can be done now, and hints on
   elements that follow a changed key and a changed state. */

import { oncePerFrame } from "./dom.js";
import { keyCaps } from "./keys.js";

export class Bindings {
  #byId = new Map();
  #hints = new Set();
  #byElement = new WeakMap(); // the hint of an element

  constructor(store, toast) {
    Object.assign(this, { store, toast });
    store.watch(null, oncePerFrame(() => this.#showHints()));
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

  /** Why it cannot be done now, a sentence; null if it can. */
  why(binding) {
    return binding.when?.(this.store.state) ?? null;
  }

  /** Does it, or says why not now. */
  run(binding) {
    const why = this.why(binding);
    if (why) this.toast(why);
    else binding.run();
  }

  /** Names an element by what it does and the key that does it, and greys it with the reason while that cannot be done: now,
   *  and whenever the key or the state has changed. */
  hint(element, id, text = null) {
    const hint = this.#byElement.get(element) ?? { element: new WeakRef(element) };
    this.#byElement.set(element, Object.assign(hint, { id, text }));
    this.#hints.add(hint);
    this.#show(hint);
    return element;
  }

  #showHints() {
    const whys = new Map();
    for (const hint of this.#hints) this.#show(hint, whys);
  }

  /** whys: what is known already, by id. */
  #show(hint, whys = new Map()) {
    const element = hint.element.deref();
    if (!element) {
      this.#hints.delete(hint);
      return;
    }
    const { id } = hint;
    const binding = this.#byId.get(id) ?? {};
    if (!whys.has(id)) whys.set(id, this.why(binding));
    const text = hint.text ?? binding.text ?? "";
    const key = this.keyOf(id);
    const label = key ? `${text} (${key})` : text;
    if (hint.label === label && hint.why === whys.get(id)) return;
    Object.assign(hint, { label, why: whys.get(id) });
    element.setAttribute("aria-label", label);
    sayWhy(element, hint.why, label);
  }
}

/** Greys an element and says why, on hover and to screen readers; null: it can be used, and its title is `title`. The keyboard
 *  still reaches it, so that everybody can learn the reason. */
export function sayWhy(element, why, title = "") {
  element.title = [title, why].filter(Boolean).join("\n");
  for (const [name, value] of [["aria-disabled", "true"], ["aria-description", why]]) {
    if (why) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
}
