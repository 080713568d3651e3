/* A panel that opens under a button and closes with Escape, a click elsewhere or the button.
   In: the button, a label, elements. Out: the panel, to stand beside the button in the page. */

import { el } from "./dom.js";

const GAP = 6; // px

export function createPopover(anchor, label, ...content) {
  const panel = el("div", { class: "ct-popover", popover: "auto", tabindex: -1, role: "dialog", "aria-label": label }, ...content);
  anchor.popoverTargetElement = panel;
  anchor.setAttribute("aria-haspopup", "dialog");
  anchor.setAttribute("aria-expanded", "false");
  panel.addEventListener("toggle", ({ newState }) => {
    anchor.setAttribute("aria-expanded", String(newState === "open"));
    if (newState !== "open") return;
    const [below, size] = [anchor.getBoundingClientRect(), panel.getBoundingClientRect()];
    panel.focus();
    panel.style.left = `${Math.max(GAP, Math.min(window.innerWidth - size.width - GAP, below.left))}px`;
    panel.style.top = `${Math.min(window.innerHeight - size.height - GAP, below.bottom + GAP)}px`;
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // closes this, and nothing else
    panel.hidePopover();
  });
  return panel;
}
