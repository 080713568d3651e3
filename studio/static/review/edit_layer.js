/* The mask under the brush: bits at the source's resolution with a canvas that shows them.
   In: the mask's runs (or null), the frame's size, the colour, pieces of strokes and whole shapes. Out: runs of the result.
   Both cover a window around the mask that grows with the strokes, so a stroke costs as much in 4K as in a small frame.
   Exists only while a mask is being changed; saving is not its business. */

import { paintSegment } from "./brush.js";
import { packColor } from "./display/colors.js";
import { cropRuns } from "./mask.js";
import { runsOfCrop } from "./rle.js";

const GROWTH = 192; // source pixels of room on every side, so that the window seldom grows

export class EditLayer {
  /** erase: the stroke clears pixels instead of setting them. */
  constructor({ frame, track, runs, width, height, color, diameter = 1, erase = false }) {
    Object.assign(this, { frame, track, width, height, diameter, erase });
    this.pixel = packColor(color);
    this.last = null;
    this.crop = { x: 0, y: 0, width: 0, height: 0, bits: new Uint8Array(0) };
    const start = runs && cropRuns(runs, height);
    if (start) this.#put(start, () => 1);
  }

  /** Draws on to a point in source pixels. */
  strokeTo(point) {
    const from = this.last ?? point;
    this.last = point;
    if (!this.erase) this.#cover(boxAround(from, point, this.diameter));
    const { x, y, width, height, bits } = this.crop;
    const shift = ({ x: px, y: py }) => ({ x: px - x, y: py - y });
    const changed = paintSegment(bits, width, height, shift(from), shift(point), this.diameter, this.erase ? 0 : 1);
    if (changed) this.#show({ ...changed, x: changed.x + x, y: changed.y + y });
  }

  /** Lays a shape (a cut mask) over the mask: "add" it, "cut" it out, or "replace" all that was there. */
  apply(shape, mode) {
    if (mode === "replace") {
      this.crop.bits.fill(0);
      this.#show(this.crop);
    }
    if (shape) this.#put(shape, (before) => (mode === "cut" ? 0 : before | 1), mode === "cut");
  }

  runs() {
    return runsOfCrop(this.crop, this.width, this.height);
  }

  /** Shows the mask; the context is in CSS pixels. */
  draw(context, view, opacity) {
    const { x, y, width } = this.crop;
    if (!width) return;
    context.save();
    context.imageSmoothingEnabled = false;
    context.globalAlpha = opacity;
    context.translate(view.x, view.y);
    context.scale(view.scale, view.scale);
    context.drawImage(this.canvas, x, y);
    context.restore();
  }

  /** Sets the window's bits under the set bits of a shape to what `value` makes of them. */
  #put(shape, value, within = false) {
    if (!within) this.#cover(shape);
    const { x, y, width, height, bits } = this.crop;
    const [left, right] = [Math.max(x, shape.x), Math.min(x + width, shape.x + shape.width)];
    const [top, bottom] = [Math.max(y, shape.y), Math.min(y + height, shape.y + shape.height)];
    for (let column = left; column < right; column++) {
      const from = (column - shape.x) * shape.height - shape.y;
      const to = (column - x) * height - y;
      for (let row = top; row < bottom; row++) if (shape.bits[from + row]) bits[to + row] = value(bits[to + row]);
    }
    if (left < right && top < bottom) this.#show({ x: left, y: top, width: right - left, height: bottom - top });
  }

  /** Makes the window hold a box, as far as the frame goes. */
  #cover(box) {
    const old = this.crop;
    const inside = { left: Math.max(0, box.x), top: Math.max(0, box.y) };
    inside.right = Math.min(this.width, box.x + box.width);
    inside.bottom = Math.min(this.height, box.y + box.height);
    if (inside.right <= inside.left || inside.bottom <= inside.top) return;
    const held = old.width > 0 && inside.left >= old.x && inside.top >= old.y;
    if (held && inside.right <= old.x + old.width && inside.bottom <= old.y + old.height) return;
    const all = old.width ? [old.x, old.y, old.x + old.width, old.y + old.height] : [Infinity, Infinity, 0, 0];
    const left = Math.max(0, Math.min(all[0], inside.left - GROWTH));
    const top = Math.max(0, Math.min(all[1], inside.top - GROWTH));
    const right = Math.min(this.width, Math.max(all[2], inside.right + GROWTH));
    const bottom = Math.min(this.height, Math.max(all[3], inside.bottom + GROWTH));
    this.#enlarge({ x: left, y: top, width: right - left, height: bottom - top });
  }

  #enlarge(box) {
    const old = this.crop;
    const bits = new Uint8Array(box.width * box.height);
    for (let column = 0; column < old.width; column++) {
      const start = (old.x + column - box.x) * box.height + old.y - box.y;
      bits.set(old.bits.subarray(column * old.height, (column + 1) * old.height), start);
    }
    const canvas = new OffscreenCanvas(box.width, box.height);
    const context = canvas.getContext("2d");
    if (this.canvas) context.drawImage(this.canvas, old.x - box.x, old.y - box.y);
    Object.assign(this, { crop: { ...box, bits }, canvas, context });
  }

  #show({ x: left, y: top, width, height }) {
    if (!width || !height) return;
    const { x, y, height: rows, bits } = this.crop;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let column = 0; column < width; column++) {
      const start = (left - x + column) * rows + top - y;
      for (let row = 0; row < height; row++) {
        if (bits[start + row]) pixels[row * width + column] = this.pixel;
      }
    }
    this.context.putImageData(image, left - x, top - y);
  }
}

function boxAround(a, b, diameter) {
  const radius = diameter / 2 + 1;
  const [left, top] = [Math.floor(Math.min(a.x, b.x) - radius), Math.floor(Math.min(a.y, b.y) - radius)];
  const [right, bottom] = [Math.ceil(Math.max(a.x, b.x) + radius), Math.ceil(Math.max(a.y, b.y) + radius)];
  return { x: left, y: top, width: right - left, height: bottom - top };
}
