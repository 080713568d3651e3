/* The small sheet over the stage in which a person is asked something. It does not block the page: one can go to other
   frames and look before answering. Enter does the main button, Escape says no, a digit picks one of the choices.
   In: a title, elements, buttons. Out: a promise of what was pressed, null for no. One at a time: another one says no. */

import { button, el } from "../dom.js";

export class Sheet {
  #resolve = null;
  #buttons = [];

  constructor() {
    this.before = () => {}; // sheets.js says here what ends when this asks
    this.root = el("div", { class: "ct-sheet", role: "dialog", "aria-live": "polite", hidden: true });
    this.root.addEventListener("keydown", (event) => {
      if (!this.key(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  get shown() {
    return !this.root.hidden;
  }

  /** buttons: [{text, value, main, danger}]; the element that content marks with data-first, or the main button, gets the focus. */
  open({ title, content = [], buttons }) {
    this.close(null);
    this.before();
    this.#buttons = buttons.map((facts) => this.#button(facts));
    this.title = el("h2", { class: "ct-sheet-title" }, title);
    this.body = el("div", { class: "ct-sheet-body" }, content);
    const foot = el("footer", { class: "ct-sheet-foot" }, this.#buttons.map(({ element }) => element));
    this.root.replaceChildren(this.title, this.body, foot);
    this.root.setAttribute("aria-label", title);
    this.root.hidden = false;
    (this.root.querySelector("[data-first]") ?? this.#main?.element ?? this.root).focus({ preventScroll: true });
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  close(value) {
    if (!this.#resolve) return;
    const resolve = this.#resolve;
    this.#resolve = null;
    this.root.hidden = true;
    if (this.root.contains(document.activeElement)) document.activeElement.blur(); // or the next key would come here
    resolve(value);
  }

  /** Whether the main button can be pressed. */
  enable(enabled) {
    if (this.#main) this.#main.element.disabled = !enabled;
  }

  /** Takes Enter, Escape and digits, wherever the focus is. Returns whether the key was meant for the sheet. */
  key(event) {
    if (!this.shown || event.ctrlKey || event.altKey || event.metaKey) return false;
    if (event.key === "Escape") this.close(null);
    else if (event.key === "Enter") return this.#enter(event);
    else if (/^[1-9]$/.test(event.key) && !isTextField(event.target)) return this.#choose(Number(event.key));
    else return false;
    return true;
  }

  get #main() {
    return this.#buttons.find(({ main }) => main) ?? null;
  }

  #enter(event) {
    const own = this.#buttons.find(({ element }) => element === event.target);
    if (!own && event.target.closest?.("button")) return false; // another button has the focus
    const chosen = own ?? this.#main;
    if (chosen && !chosen.element.disabled) this.close(chosen.value);
    return true;
  }

  #choose(number) {
    const choice = this.root.querySelectorAll(".ct-choice input")[number - 1];
    if (!choice) return false;
    choice.click();
    return true;
  }

  #button({ text, value, main = false, danger = false }) {
    const classes = `ct-outline ${main ? "ct-main-button" : ""} ${danger ? "ct-danger" : ""}`;
    const cap = main ? "Enter" : value === null ? "Esc" : "";
    const key = cap ? el("kbd", { class: "ct-key-cap" }, cap) : null;
    const element = button({ class: classes, onclick: () => this.close(value) }, text, key);
    return { element, value, main };
  }
}

/** One of several choices with a digit as its key; `before`: how many choices stand above them. */
export function choices(name, options, current, chosen, before = 0) {
  const items = options.map(({ value, text }, i) => {
    const input = el("input", { type: "radio", name, checked: value === current, onchange: () => chosen(value) });
    return el("label", { class: "ct-choice" }, input, el("span", {}, text), el("kbd", { class: "ct-key-cap" }, String(before + i + 1)));
  });
  return el("div", { class: "ct-choices", role: "radiogroup" }, items);
}

const isTextField = (target) => target?.matches?.("input:not([type=radio], [type=checkbox], [type=range]), textarea") ?? false;
