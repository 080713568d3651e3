/* The bars of all rows in sight as one picture: thousands of spans cost no more than their pixels, where drawing each as a
   rectangle would take longer than a frame of the screen. In: runs on columns of device pixels, colours. Out: pixels of a canvas.
   Knows nothing of what the runs mean. */

export class RowPixels {
  #canvas = new OffscreenCanvas(1, 1);
  #parser = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  #colors = new Map(); // by CSS colour: [red, green, blue, opacity]
  #pixels = new Uint32Array(0);
  #line = new Uint32Array(0);
  #image = null;

  /** Starts anew, all transparent; width, height in device pixels. */
  begin(width, height) {
    if (this.#canvas.width !== width || this.#canvas.height !== height || !this.#image) {
      Object.assign(this.#canvas, { width, height });
      this.#image = new ImageData(width, height);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
      this.#line = new Uint32Array(width);
    } else this.#pixels.fill(0);
  }

  /** Fills a band from `top` on, so many pixels high, with layers {runs: [{left, right}], color, alpha, least}, the later over the
   *  earlier; least: pixels that a run is wide at least. What was in the band is replaced. */
  fill(top, height, layers) {
    const { width, height: all } = this.#canvas;
    const line = this.#line.fill(0);
    for (const { runs, color, alpha, least = 0 } of layers) {
      const value = this.#value(color, alpha);
      for (const { left, right } of runs) line.fill(value, left, Math.max(right, left + least));
    }
    for (let y = Math.max(0, top); y < Math.min(top + height, all); y++) this.#pixels.set(line, y * width);
  }

  /** Fills columns of equal width with their foot at `bottom`, each as many CSS pixels high as its step; colors: from step 1 on. */
  fillSteps(steps, bottom, ratio, colors, alpha) {
    const { width, height } = this.#canvas;
    const values = colors.map((color) => this.#value(color, alpha));
    const tall = Array.from({ length: colors.length + 1 }, (_, step) => Math.round(step * ratio));
    const wide = width / steps.length;
    for (let up = 1; up <= tall.at(-1); up++) {
      const y = bottom - up;
      if (y < 0 || y >= height) continue;
      for (let column = 0, x = 0; column < steps.length; column++) {
        const stop = Math.round((column + 1) * wide);
        if (tall[steps[column]] < up) x = stop;
        else for (const value = values[steps[column] - 1]; x < stop; x++) this.#pixels[y * width + x] = value;
      }
    }
  }

  /** Lays the picture over the context at x, y; `ratio`: device pixels per CSS pixel. */
  draw(context, x, y, ratio) {
    const { width, height } = this.#canvas;
    this.#canvas.getContext("2d").putImageData(this.#image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#canvas, x, y, width / ratio, height / ratio);
  }

  #value(color, alpha) {
    if (!this.#colors.has(color)) {
      this.#parser.clearRect(0, 0, 1, 1);
      this.#parser.fillStyle = color;
      this.#parser.fillRect(0, 0, 1, 1);
      this.#colors.set(color, this.#parser.getImageData(0, 0, 1, 1).data);
    }
    const [red, green, blue, opacity] = this.#colors.get(color);
    return ((Math.round(opacity * alpha) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
}
