/* Two fingers on the timeline: they zoom it about their middle and move it. In: touches on its element. Out: the view.
   A second finger ends what the first one had begun. */

import { panRange } from "./scale.js";

export function installPinch(timeline) {
  const { area } = timeline;
  const touches = new Map(); // pointer id -> x on the time axis

  const measure = () => {
    const [one, other] = touches.values();
    return { middle: (one + other) / 2, apart: Math.max(1, Math.abs(one - other)) };
  };
  area.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    touches.set(event.pointerId, timeline.placeOf(event).x);
    if (touches.size > 1) event.stopImmediatePropagation();
  }, { capture: true });
  area.addEventListener("pointermove", (event) => {
    if (!touches.has(event.pointerId) || touches.size !== 2) return;
    event.stopImmediatePropagation(); // the first finger's own drag
    const before = measure();
    touches.set(event.pointerId, timeline.placeOf(event).x);
    const after = measure();
    timeline.zoom(after.apart / before.apart, before.middle);
    const { start, end } = timeline.range;
    timeline.show(panRange(timeline.range, ((before.middle - after.middle) / timeline.width) * (end - start), timeline.length));
  }, { capture: true });
  for (const name of ["pointerup", "pointercancel"]) {
    area.addEventListener(name, (event) => touches.delete(event.pointerId), { capture: true });
  }
}
