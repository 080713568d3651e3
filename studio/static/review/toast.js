/* Short sentences that appear at the head of the inspector and go by themselves.
   In: a sentence, its tone (info or error), optionally actions {label, run}. Out: an element; read aloud politely. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_FOR = { info: 4000, error: 9000 }; // ms
const MOST = 3;

export function createToasts() {
  const root = el("div", { class: "ct-toasts", role: "status", "aria-live": "polite" });

  /** Shows a sentence; the same sentence twice is shown once. Returns a function that takes it away. */
  const toast = (text, { tone = "info", action = null, actions = [action] } = {}) => {
    for (const child of [...root.children]) if (child.dataset.text === text) child.remove();
    while (root.children.length >= MOST) root.firstElementChild.remove();
    const message = el("div", { class: `ct-toast ct-${tone}`, "data-text": text }, el("span", {}, text));
    const timer = setTimeout(() => message.remove(), SHOWN_FOR[tone]);
    const close = () => {
      clearTimeout(timer);
      message.remove();
    };
    for (const action of actions.filter(Boolean)) {
      const act = () => {
        close();
        action.run();
      };
      message.append(button({ class: "ct-link", onclick: act }, action.label));
    }
    const closing = { class: "ct-icon-button ct-small", "aria-label": "Close message", onclick: close };
    message.append(button(closing, icon("close")));
    root.append(message);
    return close;
  };

  return { root, toast };
}
