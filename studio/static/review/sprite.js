/* Masks as small pictures: one canvas per mask, cut to its bounding box, and its outline as a path.
   In: an entry of the mask cache and a colour "#rrggbb". Out: {crop, canvas, path}; crop and canvas null when empty.
   The most recent ones are kept; a mask is drawn pixel by pixel only once. */

import { LruMap } from "./lru.js";
import { cropRuns, outline } from "./mask.js";

const MEMORY = 128 * 2 ** 20; // bytes of canvas

export class SpriteCache {
  #sprites = new LruMap({ limit: MEMORY, weigh: (sprite) => 1024 + (sprite.crop?.bits.length ?? 0) * 5 });

  get(entry, color) {
    const known = this.#sprites.get(entry);
    if (known?.color === color) return known;
    const sprite = drawSprite(entry, color);
    this.#sprites.set(entry, sprite);
    return sprite;
  }

  clear() {
    this.#sprites.clear();
  }
}

function drawSprite(entry, color) {
  const crop = cropRuns(entry.runs, entry.size[0]);
  if (!crop) return { color, crop: null, canvas: null, path: new Path2D() };
  return { color, crop, canvas: colorBits(crop, color), path: outlinePath(crop) };
}

/** A canvas of the box's size with the mask's pixels in one opaque colour. */
function colorBits({ width, height, bits }, color) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const value = packColor(color);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) if (bits[x * height + y]) pixels[y * width + x] = value;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function outlinePath(crop) {
  const path = new Path2D();
  const segments = outline(crop);
  for (let i = 0; i < segments.length; i += 4) {
    path.moveTo(segments[i], segments[i + 1]);
    path.lineTo(segments[i + 2], segments[i + 3]);
  }
  return path;
}

/** "#rrggbb" -> opaque pixel as ImageData stores it (red in the lowest byte on every machine browsers run on). */
export function packColor(color) {
  const rgb = Number.parseInt(color.slice(1), 16);
  return ((255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}
