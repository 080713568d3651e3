/* Open comments of the frame on show as pins over the picture: at the track's mask, or at the picture's corner.
   In: the parts of the page, open(comment). Out: an element for the stage; follows the view by a layer that draws nothing. */

import { button, el } from "../dom.js";
import { cropRuns } from "../mask.js";
import { toScreen } from "../viewport.js";

const ORDER = 60; // after all that is drawn
const APART = 26; // px between pins of one place

export function createPins({ store, stage, session }, open) {
  const root = el("div", { class: "ct-pins" });
  let shown = ""; // the comments that have pins now
  let pins = []; // {comment, element}

  const ends = [
    stage.addLayer({ order: ORDER, draw: (context, { view }) => place(view) }),
    store.watch(["comments", "drawnFrame"], ({ comments, drawnFrame }) => {
      const here = comments.filter(({ frame, resolved_at: resolved }) => frame === drawnFrame && !resolved);
      const text = JSON.stringify(here);
      if (text === shown) return;
      shown = text;
      pins = here.map((comment) => ({ comment, element: createPin(comment, open) }));
      root.replaceChildren(...pins.map(({ element }) => element));
      stage.draw();
    }),
  ];

  function place(view) {
    const taken = new Map(); // place -> pins there
    for (const { comment, element } of pins) {
      const at = anchorOf(comment);
      const key = `${at.x}/${at.y}`;
      const before = taken.get(key) ?? 0;
      taken.set(key, before + 1);
      const { x, y } = toScreen(view, at);
      element.style.transform = `translate(${Math.round(x + before * APART)}px, ${Math.round(y)}px)`;
    }
  }

  /** The upper right corner of the track's mask, beside its name tag; without one the picture's upper left corner. */
  function anchorOf({ track_id: track, frame }) {
    const entry = track === null ? null : session.masks?.find(frame, track);
    const crop = entry && cropRuns(entry.runs, entry.size[0]);
    return crop ? { x: crop.x + crop.width, y: crop.y } : { x: 0, y: 0 };
  }

  return { root, end: () => ends.forEach((end) => end()) };
}

function createPin(comment, open) {
  const said = `${comment.user}: ${comment.text}`;
  return button({ class: "ct-pin", title: said, "aria-label": `Note by ${said}`, onclick: () => open(comment) }, el("span", {}, "!"));
}
