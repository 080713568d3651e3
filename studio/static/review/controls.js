/* Small controls that follow the state: sliders, numbers, one of several, on or off.
   In: the store and the key that they set. Out: elements. All give the keyboard back to the stage once the mouse lets go. */

import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";

/** read and write turn the state's value into the slider's and back. */
export function slider(store, key, { label, least = 0, most, step = 1, read = (value) => value, write = (value) => value }) {
  const input = el("input", { type: "range", class: "ct-slider", "aria-label": label, title: label, min: least, max: most, step });
  input.addEventListener("input", () => store.set({ [key]: write(Number(input.value)) }));
  input.addEventListener("pointerup", () => input.blur());
  store.watch([key], (state) => (input.value = read(state[key])));
  return input;
}

/** A field for a whole number. */
export function number(store, key, { label, least = 1, most }) {
  const input = el("input", {
    type: "number", class: "ct-input ct-amount", "aria-label": label, title: label, min: least, max: most, step: 1,
  });
  const take = () => {
    const value = Math.round(Number(input.value));
    if (Number.isFinite(value) && input.value !== "") store.set({ [key]: Math.min(most, Math.max(least, value)) });
    input.value = store.state[key];
  };
  input.addEventListener("change", take);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  store.watch([key], (state) => (input.value = state[key]));
  return input;
}

/** One of several: options are {value, text, icon?, title?}. */
export function choice(store, key, label, options) {
  const buttons = options.map(({ value, text, icon: name, title }) =>
    button(
      { class: "ct-choice-button", role: "radio", title: title ?? text, "aria-label": text, onclick: () => store.set({ [key]: value }) },
      name ? icon(name) : text,
    ),
  );
  store.watch([key], (state) => {
    buttons.forEach((element, i) => element.setAttribute("aria-checked", String(options[i].value === state[key])));
  });
  return el("div", { class: "ct-choice-group", role: "radiogroup", "aria-label": label }, buttons);
}

/** Text that follows the state. */
export function follow(store, keys, text, attributes = {}) {
  const element = el("span", attributes);
  store.watch(keys, (state) => setText(element, text(state)));
  return element;
}
