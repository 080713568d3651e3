/* Move and scale: drag the mask of the selected tracks, drag a corner of its box to scale, nudge with the arrow keys
   (Shift: ten pixels). Saved when the mouse or the key is released.
   In: the parts of the page. Out: a tool (see pointer.js). What it applies to is said by scope.js. */

import { covers } from "../mask.js";
import { ORDER } from "../stage.js";
import { toScreen } from "../viewport.js";
import { handle } from "./outline_view.js";
import { maskScope, noMasks, reachesFar } from "./scope.js";

const REACH = 10; // px around a corner
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STILL = { dx: 0, dy: 0, scale: 1 };

export function createTransformTool(parts) {
  const { store, stage, operations, player, toast } = parts;
  let change = STILL; // not saved yet
  let busy = false;

  const masks = () => {
    const { tracks } = maskScope(store.state);
    return stage.visibleMasks().filter(({ track, shape }) => tracks.includes(track.id) && shape.crop);
  };
  const main = () => masks().find(({ track }) => track.id === store.state.selected) ?? masks()[0] ?? null;
  const active = () => store.state.tool === "transform";

  const show = (next) => {
    change = next;
    const still = next === STILL;
    stage.moved = still ? null : { ...next, entries: new Set(masks().map(({ entry }) => entry)) };
    stage.draw();
  };

  const save = async () => {
    if (busy || change === STILL) return;
    const { dx, dy, scale } = change;
    const body = { ...maskScope(store.state), dx, dy, scale };
    const asked = reachesFar(body);
    busy = true;
    try {
      await operations.run("transform", body, { preview: asked, said: asked ? null : false });
    } finally {
      busy = false;
      show(STILL);
    }
  };

  /** Which part of the main mask lies under a source point: {corner} 0 to 3 clockwise from the upper left, {body}, or null. */
  const partAt = (point) => {
    const mask = point && main();
    if (!mask) return null;
    const at = toScreen(store.state.view, point);
    const corners = cornersOf(mask.shape.crop).map((corner) => toScreen(store.state.view, corner));
    const corner = corners.findIndex(({ x, y }) => Math.hypot(x - at.x, y - at.y) <= REACH);
    if (corner >= 0) return { corner };
    const inside = masks().some(({ shape }) => covers(shape.crop, point.x, point.y));
    return inside || inBox(mask.shape.crop, point) ? { body: true } : null;
  };

  const drag = (moved) => ({
    move: (point, event) => show(moved(point, event)),
    end: () => save(),
    cancel: () => show(STILL),
  });

  stage.addLayer({
    order: ORDER.handles,
    draw(context, { view }) {
      const mask = active() && main();
      if (!mask) return;
      const corners = cornersOf(shifted(mask.shape.crop, change)).map((corner) => toScreen(view, corner));
      drawBox(context, corners);
    },
  });
  const released = (event) => {
    if (STEPS[event.key]) save();
  };
  store.watch(["selection", "span", "want"], () => active() && stage.draw());

  return {
    cursor(point) {
      const part = partAt(point);
      if (!part) return "default";
      return part.body ? "move" : part.corner % 2 ? "nesw-resize" : "nwse-resize";
    },
    enter() {
      document.addEventListener("keyup", released);
      stage.draw();
    },
    exit() {
      document.removeEventListener("keyup", released);
      show(STILL);
    },
    down(start) {
      const why = noMasks(store.state);
      if (why) toast(why);
      if (why || busy) return null;
      const part = partAt(start);
      if (!part) {
        if (!main()) toast("The selected track has no mask in this frame.");
        return null;
      }
      player.stop();
      const { crop } = main().shape;
      if (part.body) {
        return drag((to) => settled({ dx: Math.round(to.x - start.x), dy: Math.round(to.y - start.y), scale: 1 }));
      }
      return drag((to, event) => settled(scaledTo(crop, part.corner, to, event.shiftKey)));
    },
    key(event) {
      const step = STEPS[event.key];
      if (!step || event.ctrlKey || event.altKey || event.metaKey || noMasks(store.state) || !main()) return false;
      const reach = event.shiftKey ? 10 : 1;
      player.stop();
      if (!busy) show({ dx: change.dx + step[0] * reach, dy: change.dy + step[1] * reach, scale: 1 });
      return true;
    },
  };
}

/** A corner dragged to a point: scaled about the corner across, or (middle) about the middle. */
function scaledTo(crop, corner, to, middle) {
  const corners = cornersOf(crop);
  const center = { x: crop.x + crop.width / 2, y: crop.y + crop.height / 2 };
  const fixed = middle ? center : corners[(corner + 2) % 4];
  const [from, toward] = [corners[corner], { x: to.x - fixed.x, y: to.y - fixed.y }];
  const arm = { x: from.x - fixed.x, y: from.y - fixed.y };
  const along = (toward.x * arm.x + toward.y * arm.y) / (arm.x * arm.x + arm.y * arm.y);
  const scale = Math.round(Math.min(20, Math.max(0.05, along)) * 1000) / 1000;
  const moved = (key) => Math.round((fixed[key] + (center[key] - fixed[key]) * scale - center[key]) * 100) / 100;
  return { dx: moved("x"), dy: moved("y"), scale };
}

const settled = (change) => (change.dx || change.dy || change.scale !== 1 ? change : STILL);

function cornersOf({ x, y, width, height }) {
  return [{ x, y }, { x: x + width, y }, { x: x + width, y: y + height }, { x, y: y + height }];
}

function shifted({ x, y, width, height }, { dx, dy, scale }) {
  const [w, h] = [width * scale, height * scale];
  return { x: x + (width - w) / 2 + dx, y: y + (height - h) / 2 + dy, width: w, height: h };
}

const inBox = (box, { x, y }) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;

function drawBox(context, corners) {
  context.beginPath();
  corners.forEach(({ x, y }, i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
  context.strokeStyle = "rgb(12 15 20 / 80%)";
  context.lineWidth = 2.5;
  context.stroke();
  context.setLineDash([5, 4]);
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1;
  context.stroke();
  context.setLineDash([]);
  for (const corner of corners) handle(context, corner);
}
