/* The box: drag a rectangle; all pixels that it touches are added to, cut from, or replace the selected track's mask.
   In: the parts of the page. Out: a tool (see pointer.js). */

import { ORDER } from "../stage.js";
import { toScreen } from "../viewport.js";
import { boxPixels } from "./raster.js";
import { canDraw, drawShape } from "./target.js";

export function createBoxTool(parts) {
  const { store, stage } = parts;
  let drag = null; // {from, to} in source pixels

  stage.addLayer({
    order: ORDER.handles,
    draw(context, { view }) {
      const shape = drag && boxPixels(drag.from, drag.to, store.state.video);
      if (!shape) return;
      const { x, y } = toScreen(view, shape);
      const box = [x, y, shape.width * view.scale, shape.height * view.scale];
      context.strokeStyle = "rgb(12 15 20 / 85%)";
      context.lineWidth = 3.5;
      context.strokeRect(...box);
      context.strokeStyle = "#ffffff";
      context.lineWidth = 1.5;
      context.strokeRect(...box);
      label(context, `${shape.width} × ${shape.height}`, x, y);
    },
  });
  const show = (next) => {
    drag = next;
    stage.draw();
  };

  return {
    cursor: "crosshair",
    down(from) {
      if (!canDraw(parts)) return null;
      let wide = false;
      return {
        move(to) {
          wide = true;
          show({ from, to });
        },
        end() {
          const shape = drag && boxPixels(drag.from, drag.to, store.state.video);
          show(null);
          if (wide && shape) drawShape(parts, shape, store.state.shapeMode);
        },
        cancel: () => show(null),
      };
    },
  };
}

function label(context, text, x, y) {
  context.font = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 10;
  context.fillStyle = "rgb(12 15 20 / 85%)";
  context.fillRect(x, Math.max(0, y - 22), width, 18);
  context.fillStyle = "#ffffff";
  context.fillText(text, x + 5, Math.max(0, y - 22) + 9.5);
}
