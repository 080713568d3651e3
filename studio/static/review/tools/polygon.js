/* The polygon: click corner after corner; drag corners, click on an edge to put one in, Delete removes the one under the
   pointer, Ctrl+Z the last one; Enter, a double click or a click on the first corner closes and saves it; Escape drops it.
   In: the parts of the page. Out: a tool (see pointer.js). A polygon that is not closed waits for its frame and track. */

import { ORDER } from "../stage.js";
import { toScreen } from "../viewport.js";
import { closestEdge, closestVertex } from "./outline.js";
import { drawOutline } from "./outline_view.js";
import { polygonPixels } from "./raster.js";
import { canDraw, drawShape } from "./target.js";

const DOUBLE = 400; // ms between the clicks of a double click
const SLACK = 3; // px that a click may wander
const REACH = 9; // px around a corner or an edge in which it is meant

export function createPolygonTool(parts) {
  const { store, stage, toast } = parts;
  let draft = null; // {frame, track, points}
  let pointed = null; // {vertex} or {edge, point} under the pointer
  let tip = null; // the pointer's place, where the next corner would be
  let clicked = { time: -Infinity, x: 0, y: 0 };

  const here = () => {
    const { frame, selected, tool } = store.state;
    return tool === "polygon" && draft?.frame === frame && draft.track === selected ? draft : null;
  };
  const onScreen = (points) => points.map((point) => toScreen(store.state.view, point));
  const look = (point) => {
    const shown = here();
    tip = point;
    pointed = null;
    if (!shown || !point) return;
    const [outline, at] = [onScreen(shown.points), toScreen(store.state.view, point)];
    const vertex = closestVertex(outline, at, REACH);
    if (vertex !== null) pointed = { vertex };
    else if (outline.length > 1) pointed = closestEdge(outline, at, REACH);
  };
  const show = () => {
    store.set({ corners: here()?.points.length ?? 0 });
    stage.draw();
  };
  const drop = () => {
    draft = null;
    pointed = null;
    show();
  };

  const close = () => {
    const shown = here();
    if (!shown) return false;
    if (shown.points.length < 3) {
      toast("A polygon needs three corners at least.");
      return true;
    }
    if (drawShape(parts, polygonPixels(shown.points, store.state.video), store.state.shapeMode)) drop();
    return true;
  };

  const remove = (index) => {
    draft.points.splice(index, 1);
    pointed = null;
    if (draft.points.length === 0) draft = null;
    show();
  };

  const drag = (index, start, fresh = false) => {
    const before = { ...draft.points[index] };
    let moved = fresh;
    return {
      move(point) {
        const shift = { x: point.x - start.x, y: point.y - start.y };
        if (Math.hypot(shift.x, shift.y) * store.state.view.scale >= SLACK) moved = true;
        if (moved) draft.points[index] = { x: before.x + shift.x, y: before.y + shift.y };
        show();
      },
      end(_, event) {
        if (event && !moved && index === 0 && draft.points.length > 2) close();
        stage.draw();
      },
      cancel() {
        draft.points[index] = before;
        show();
      },
    };
  };

  stage.addLayer({
    order: ORDER.handles,
    draw(context, { view }) {
      const shown = here();
      if (shown) drawOutline(context, onScreen(shown.points), { pointed, tip: tip && toScreen(view, tip) });
    },
  });
  store.watch(["frame", "selected", "tool"], () => {
    look(tip);
    show();
  });

  return {
    cursor: () => (pointed ? (pointed.vertex === undefined ? "copy" : "move") : "crosshair"),
    hover(point) {
      store.set({ hovered: null });
      look(point);
      if (here()) stage.draw();
    },
    leave() {
      tip = null;
      stage.draw();
    },
    down(point, event) {
      parts.player.stop();
      const double = event.timeStamp - clicked.time < DOUBLE && Math.hypot(event.clientX - clicked.x, event.clientY - clicked.y) < 4;
      clicked = { time: event.timeStamp, x: event.clientX, y: event.clientY };
      look(point);
      if (double && here()?.points.length > 2) {
        close();
        return null;
      }
      if (!here()) {
        if (!canDraw(parts)) return null;
        draft = { frame: store.state.frame, track: store.state.selected, points: [point] };
      } else if (pointed?.vertex !== undefined) {
        return drag(pointed.vertex, point);
      } else if (pointed) {
        draft.points.splice(pointed.edge + 1, 0, point);
        show();
        return drag(pointed.edge + 1, point, true);
      } else {
        draft.points.push(point);
      }
      show();
      return drag(draft.points.length - 1, point, true);
    },
    key(event) {
      if (!here()) return false;
      if (event.key === "Enter") return close();
      if (event.key === "Escape") drop();
      else if (event.key === "Delete" || event.key === "Backspace") remove(pointed?.vertex ?? draft.points.length - 1);
      else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey) remove(draft.points.length - 1);
      else return false;
      return true;
    },
    close,
    drop,
  };
}
