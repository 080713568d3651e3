/* The mask under the brush: bits at the source's resolution with a canvas that shows them.
   In: the mask's runs (or null), the frame's size, the track's colour, pieces of strokes. Out: runs of the result.
   Exists only while a stroke is being drawn; saving is not its business. */

import { paintSegment } from "./brush.js";
import { bitsToRuns, runsToBits } from "./rle.js";
import { packColor } from "./sprite.js";

export class EditLayer {
  /** erase: the stroke clears pixels instead of setting them. */
  constructor({ frame, track, runs, width, height, color, diameter, erase }) {
    Object.assign(this, { frame, track, width, height, diameter, erase });
    this.bits = runs ? runsToBits(runs, width, height) : new Uint8Array(width * height);
    this.canvas = new OffscreenCanvas(width, height);
    this.context = this.canvas.getContext("2d");
    this.pixel = packColor(color);
    this.last = null;
    this.#show({ x: 0, y: 0, width, height });
  }

  /** Draws on to a point in source pixels. */
  strokeTo(point) {
    const changed = paintSegment(
      this.bits, this.width, this.height, this.last ?? point, point, this.diameter, this.erase ? 0 : 1,
    );
    this.last = point;
    if (changed) this.#show(changed);
  }

  runs() {
    return bitsToRuns(this.bits);
  }

  #show({ x, y, width, height }) {
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let column = 0; column < width; column++) {
      const start = (x + column) * this.height + y;
      for (let row = 0; row < height; row++) {
        if (this.bits[start + row]) pixels[row * width + column] = this.pixel;
      }
    }
    this.context.putImageData(image, x, y);
  }
}
