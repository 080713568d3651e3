/* The upper edge of the timeline, to drag it higher or lower; kept in this browser. In: the timeline's element.
   Out: an element for its top. A double click goes back to the usual height. */

import { el } from "../dom.js";
import { follow } from "./drag.js";
import { clamp } from "./scale.js";

const STORED = "ctvis.review.timeline";
const LOWEST = 120; // px
const STEP = 24;

export function createGrip(root) {
  const grip = el("div", {
    class: "ct-timeline-grip", role: "separator", tabindex: 0, "aria-orientation": "horizontal",
    "aria-label": "Height of the timeline", title: "Drag to make the timeline higher or lower",
  });
  const set = (height) => {
    const most = Math.max(LOWEST, (root.parentElement?.clientHeight ?? window.innerHeight) * 0.7);
    root.style.height = `${Math.round(clamp(height, LOWEST, most))}px`;
    remember(root.style.height);
  };
  const kept = recall();
  if (kept) root.style.height = kept;
  grip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const height = root.offsetHeight;
    follow(grip, event, (at) => set(height + event.clientY - at.clientY));
  });
  grip.addEventListener("dblclick", () => {
    root.style.height = "";
    remember("");
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    set(root.offsetHeight + step);
  });
  return grip;
}

function remember(height) {
  try {
    localStorage.setItem(STORED, height);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // storage is switched off or full: then nothing is kept
  }
}

function recall() {
  try {
    const height = localStorage.getItem(STORED) ?? "";
    return /^\d+px$/.test(height) ? height : "";
  } catch (error) {
    if (error instanceof DOMException) return "";
    throw error;
  }
}
