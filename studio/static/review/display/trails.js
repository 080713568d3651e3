/* Where the selected tracks come from and where they go: the centres of their masks in the frames around the one on show.
   In: the parts of the page. Out: a layer of the stage while the state key `trails` is set. Frames that are not here are fetched. */

import { ApiError } from "../api.js";
import { ORDER } from "../stage.js";
import { toScreen } from "../viewport.js";
import { handle } from "../tools/outline_view.js";
import { colorOf } from "./colors.js";
import { centerOfRuns } from "./center.js";

const REACH = 30; // frames to either side
const GAP = 5; // frames without a mask that a line may bridge

export function createTrails({ store, session, stage }) {
  const centers = new WeakMap(); // entry -> centre

  const centerOf = (entry) => {
    if (!centers.has(entry)) centers.set(entry, centerOfRuns(entry.runs, entry.size[0]));
    return centers.get(entry);
  };
  /** [{frame, x, y}] of a track around a frame, as far as its masks are here. */
  const trailOf = (track, frame) => {
    const found = [];
    for (let at = Math.max(0, frame - REACH); at <= Math.min(store.state.video.length - 1, frame + REACH); at++) {
      const entry = session.masks?.find(at, track);
      const center = entry && centerOf(entry);
      if (center) found.push({ frame: at, ...center });
    }
    return found;
  };
  const fetch = async () => {
    const { trails, selection, want, video } = store.state;
    const { masks } = session;
    stage.draw();
    if (!trails || selection.length === 0 || !video || !masks) return;
    try {
      await Promise.all([want - REACH, want, want + REACH].filter((at) => at >= 0 && at < video.length).map((at) => masks.at(at)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the frame itself reports it
    }
    stage.draw();
  };
  store.watch(["trails", "selection", "want", "rev"], fetch);

  stage.addLayer({
    order: ORDER.trails,
    draw(context, { view, shown }) {
      const { trails, selection, tracks, showMasks } = store.state;
      if (!trails || !showMasks || !session.masks) return;
      context.lineCap = context.lineJoin = "round";
      for (const track of tracks.filter(({ id }) => selection.includes(id))) {
        const points = trailOf(track.id, shown.frame).map((point) => ({ ...point, ...toScreen(view, point) }));
        drawTrail(context, points, shown.frame, colorOf(track, { source: "model", score: track.score }, store.state));
      }
    },
  });
}

/** Past frames as a line, next ones dashed, both paler the further away; a dot in every frame, a larger white one in this. */
function drawTrail(context, points, now, color) {
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    if (b.frame - a.frame > GAP) continue;
    context.globalAlpha = paleness((a.frame + b.frame) / 2, now);
    context.setLineDash(b.frame > now ? [2, 5] : []);
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    context.strokeStyle = "rgb(12 15 20 / 80%)";
    context.lineWidth = 4;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.stroke();
  }
  context.setLineDash([]);
  context.fillStyle = color;
  for (const { frame, x, y } of points) {
    context.globalAlpha = paleness(frame, now);
    context.beginPath();
    context.arc(x, y, 2.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  const here = points.find(({ frame }) => frame === now);
  if (here) handle(context, here);
}

const paleness = (frame, now) => Math.max(0.25, 1 - (0.75 * Math.abs(frame - now)) / REACH);
