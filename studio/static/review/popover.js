/* A panel that opens under a button, or above it where there is no room, and closes with Escape, a click elsewhere or the button.
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
    const fits = below.bottom + GAP + size.height + GAP <= window.innerHeight;
    panel.style.top = `${Math.max(GAP, fits ? below.bottom + GAP : below.top - GAP - size.height)}px`;
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // closes this, and nothing else
    panel.hidePopover();
  });
  return panel;
}
