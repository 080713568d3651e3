/* Brush and eraser: paint on the selected track's mask with a round tip, and show the tip as large as it is.
   In: the parts of the page. Out: two tools (see pointer.js). Shift swaps the two for one stroke; the other end of a pen erases. */

import { el } from "../dom.js";
import { openMask, saveMask } from "./target.js";

const PEN_ERASER = 5; // a button's number

export function createStrokeTools(parts) {
  const { store, stage, pointer } = parts;
  const tip = el("div", { class: "ct-brush-tip", hidden: true });
  stage.root.append(tip);

  const show = (erase) => {
    const { brushSize, view } = store.state;
    const { x, y } = stage.pointOf(pointer.lastEvent);
    const size = Math.max(2, brushSize * view.scale);
    tip.hidden = pointer.lastEvent.pointerType === "touch";
    tip.style.width = tip.style.height = `${size}px`;
    tip.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
    tip.classList.toggle("ct-erasing", erase);
  };

  const create = (erases) => {
    const erase = (event) => event.button === PEN_ERASER || erases !== event.shiftKey;
    return {
      cursor: "crosshair",
      down: (point, event) => stroke(parts, point, erase(event)),
      hover(point, event) {
        store.set({ hovered: null });
        show(erase(event));
      },
      leave: () => (tip.hidden = true),
    };
  };
  store.watch(["brushSize"], () => {
    if (pointer.lastEvent && !tip.hidden) show(tip.classList.contains("ct-erasing"));
  });
  return { brush: create(false), eraser: create(true) };
}

function stroke(parts, start, erase) {
  const { stage, store } = parts;
  const layer = openMask(parts, { diameter: store.state.brushSize, erase });
  if (!layer) return null;
  layer.strokeTo(start);
  return {
    move(point, event) {
      const steps = event.getCoalescedEvents?.() ?? [];
      if (steps.length) for (const step of steps) layer.strokeTo(stage.sourceOf(step));
      else layer.strokeTo(point);
      stage.draw();
    },
    end: () => saveMask(parts, layer),
    cancel: () => stage.setEdit(null),
  };
}
