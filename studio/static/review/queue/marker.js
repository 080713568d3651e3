/* A soft marker around what a suspicious moment is about: corners about its masks, which close in once and then stay.
   Where a track has no mask in the frame (that may be what is suspicious), the nearest one known tells the place.
   In: the parts of the page. Out: a layer of the stage. */

import { cropRuns } from "../mask.js";
import { toScreen } from "../viewport.js";
import { tracksOf } from "./kinds.js";

const ORDER = 25; // above masks, below name tags
const MARGIN = 10; // px
const CORNER = 14; // px
const CLOSING = 450; // ms
const LOOK = 8; // frames on either side in which a missing mask is looked for

export function createMarker({ store, stage, session }) {
  let moment = null;
  let begun = 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const ends = [
    stage.addLayer?.({ order: ORDER, draw }),
    store.watch(["suggestion", "suggestions", "drawnFrame"], ({ suggestions, suggestion }) => {
      const next = suggestions.find(({ id }) => id === suggestion && suggestion !== null) ?? null;
      if (next?.id !== moment?.id) begun = performance.now();
      moment = next;
      stage.draw();
    }),
  ];

  function draw(context, { view, shown }) {
    if (!moment || shown === null || shown.frame < moment.frame - 1 || shown.frame > moment.stop) return;
    const left = calm.matches ? 0 : Math.max(0, 1 - (performance.now() - begun) / CLOSING);
    for (const track of tracksOf(moment)) {
      const box = boxOf(track, shown.frame);
      if (box) drawCorners(context, onScreen(box, view), MARGIN + 40 * left * left);
    }
    if (left > 0) stage.draw();
  }

  function boxOf(track, frame) {
    for (let away = 0; away <= LOOK; away++) {
      for (const near of away ? [frame - away, frame + away] : [frame]) {
        const entry = session.masks?.find(near, track);
        const crop = entry && cropRuns(entry.runs, entry.size[0]);
        if (crop) return crop;
      }
    }
    return null;
  }

  return { end: () => ends.forEach((end) => end?.()) };
}

function onScreen({ x, y, width, height }, view) {
  return { ...toScreen(view, { x, y }), width: width * view.scale, height: height * view.scale };
}

function drawCorners(context, { x, y, width, height }, margin) {
  const [left, top, right, bottom] = [x - margin, y - margin, x + width + margin, y + height + margin];
  const length = Math.min(CORNER, (right - left) / 3, (bottom - top) / 3);
  const path = new Path2D();
  for (const [cornerX, cornerY, dx, dy] of [[left, top, 1, 1], [right, top, -1, 1], [right, bottom, -1, -1], [left, bottom, 1, -1]]) {
    path.moveTo(cornerX + dx * length, cornerY);
    path.lineTo(cornerX, cornerY);
    path.lineTo(cornerX, cornerY + dy * length);
  }
  Object.assign(context, { lineCap: "round", lineJoin: "round" });
  for (const [style, line] of [["rgb(0 0 0 / 55%)", 5], ["#ffd24d", 2.5]]) {
    Object.assign(context, { strokeStyle: style, lineWidth: line });
    context.stroke(path);
  }
}
