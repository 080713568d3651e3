/* The help sheet: every key and gesture, from the same table the keyboard listens to.
   In: bindings as keymap.js makes them, and gestures. Out: a <dialog> with open(). */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { keyCaps } from "./keys.js";

export function createHelp(bindings, gestures) {
  const entries = [...bindings, ...gestures];
  const groups = [...new Set(entries.map(({ group }) => group))];
  const dialog = el(
    "dialog",
    { class: "ct-help", "aria-label": "Keyboard shortcuts" },
    el(
      "header",
      { class: "ct-help-head" },
      el("h2", {}, "Keyboard shortcuts"),
      button({ class: "ct-icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close")),
    ),
    el(
      "div",
      { class: "ct-help-groups" },
      groups.map((group) => createGroup(group, entries.filter((entry) => entry.group === group))),
    ),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "?") return;
    event.preventDefault();
    event.stopPropagation();
    dialog.close();
  });
  return { root: dialog, open: () => dialog.showModal() };
}

function createGroup(title, entries) {
  const rows = entries.map(({ keys, caps, text }) =>
    el("div", { class: "ct-help-row" }, el("dt", {}, text), el("dd", {}, caps ? combination(caps) : alternatives(keys))),
  );
  return el("section", {}, el("h3", {}, title), el("dl", {}, rows));
}

function alternatives(keys) {
  return keys.flatMap((key, i) => [i > 0 ? el("span", { class: "ct-faint" }, "or") : null, combination(keyCaps(key))]);
}

function combination(caps) {
  return el("span", { class: "ct-combination" }, caps.map((cap) => el("kbd", { class: "ct-key-cap" }, cap)));
}
