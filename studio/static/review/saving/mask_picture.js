/* A part of a frame with masks on it, as a small picture: for looking at two versions, tracks or moments side by side.
   In: the frame's picture (an image of any height), runs, the frame's size, the part to show. Out: a <canvas>. */

import { el } from "../dom.js";
import { contours, cropRuns } from "../mask.js";

const MARGIN = 0.25; // of the longer side of what is shown
const LEAST = 48; // px of the source

/** The part of a frame [height, width] that shows all of the masks (runs or null) with some room around them, at least
 *  `least` pixels high; it lies in the frame as far as it fits. */
export function partAround(masks, [height, width], { aspect = 4 / 3, least = 0 } = {}) {
  const boxes = masks.map((runs) => runs && cropRuns(runs, height)).filter(Boolean);
  if (boxes.length === 0) return { x: 0, y: 0, width, height };
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const room = MARGIN * Math.max(right - left, bottom - top, LEAST);
  const tall = Math.max(least, bottom - top + 2 * room, (right - left + 2 * room) / aspect);
  const wide = tall * aspect;
  return { x: within(left + right, wide, width), y: within(top + bottom, tall, height), width: wide, height: tall };
}

/** Where a stretch about a middle (given doubled) begins, if it shall not go over the ends of what holds it. */
function within(doubledMiddle, length, whole) {
  if (length >= whole) return (whole - length) / 2;
  return Math.max(0, Math.min(whole - length, (doubledMiddle - length) / 2));
}

/** masks: [{runs (null: none), color}]; size: [height, width] of the frame; part: {x, y, width, height} of it in pixels; shown
 *  `width` CSS pixels wide; fill: how much of the object the colour covers, 0..1. */
export function maskPicture({ image, masks, size, part, width, label, fill = 0.45 }) {
  const ratio = window.devicePixelRatio || 1;
  const height = Math.round((width * part.height) / part.width);
  const canvas = el("canvas", { class: "ct-mask-picture", role: "img", "aria-label": label });
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  canvas.style.width = `${width}px`;
  const context = canvas.getContext("2d");
  const scale = canvas.width / part.width;
  context.setTransform(scale, 0, 0, scale, -part.x * scale, -part.y * scale);
  if (image) context.drawImage(image, 0, 0, size[1], size[0]);
  for (const { runs, color } of masks) {
    const crop = runs && cropRuns(runs, size[0]);
    if (crop) drawMask(context, crop, { color, fill, line: 1.5 / (scale / ratio) });
  }
  return canvas;
}

function drawMask(context, crop, { color, fill, line }) {
  const path = new Path2D();
  for (const corners of contours(crop)) {
    for (let i = 0; i < corners.length; i += 2) path[i ? "lineTo" : "moveTo"](corners[i], corners[i + 1]);
    path.closePath();
  }
  Object.assign(context, { fillStyle: color, globalAlpha: fill });
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  for (const [style, width] of [["rgb(255 255 255 / 85%)", 2 * line], [color, line]]) {
    Object.assign(context, { strokeStyle: style, lineWidth: width });
    context.stroke(path);
  }
}

/** The picture at an address; null where it cannot be had, so that masks can still be compared. */
export async function loadPicture(address) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}
