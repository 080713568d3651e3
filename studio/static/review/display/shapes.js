/* Masks as shapes that a canvas can fill and stroke: the outline as a path, as coarse as the zoom allows.
   In: an entry of the mask cache. Out: {crop, path(scale)}; crop is null for an empty mask.
   Knows no colours. The most recent shapes are kept, so a mask is followed along its outline only once. */

import { LruMap } from "../lru.js";
import { contours, cropRuns } from "../mask.js";

const MEMORY = 128 * 2 ** 20; // bytes of cut masks and outlines
const EXACT_FROM = 2; // from this zoom on outlines run along the edges of pixels

export class ShapeCache {
  #shapes = new LruMap({ limit: MEMORY, weigh: (shape) => 1024 + (shape.crop?.bits.length ?? 0) * 2 });

  get(entry) {
    const known = this.#shapes.get(entry);
    if (known) return known;
    const shape = new Shape(cropRuns(entry.runs, entry.size[0]));
    this.#shapes.set(entry, shape);
    return shape;
  }

  clear() {
    this.#shapes.clear();
  }
}

export class Shape {
  #loops = null;
  #paths = new Map(); // detail -> Path2D

  constructor(crop) {
    this.crop = crop;
  }

  /** The outline in source pixels for a zoom (CSS pixels per source pixel). */
  path(scale) {
    const detail = detailFor(scale);
    if (!this.#paths.has(detail)) this.#paths.set(detail, this.#draw(detail));
    return this.#paths.get(detail);
  }

  #draw(detail) {
    const path = new Path2D();
    if (!this.crop) return path;
    this.#loops ??= contours(this.crop);
    for (const loop of this.#loops) addLoop(path, detail === 0 ? loop : rounded(loop, detail));
    return path;
  }
}

/** 0: along the edges of pixels; n: through the middles of edges, with points at least n source pixels apart. */
function detailFor(scale) {
  if (Math.round(scale * 100) >= 100 * EXACT_FROM) return 0;
  return 2 ** Math.max(0, Math.round(-Math.log2(scale)));
}

/** The loop through the middles of its first and last unit of every straight piece, which takes the stairs out of it. */
function rounded(loop, apart) {
  const points = [];
  let lastX = Infinity;
  let lastY = Infinity;
  let x0 = loop[loop.length - 2];
  let y0 = loop[loop.length - 1];
  for (let i = 0; i < loop.length; i += 2) {
    const x1 = loop[i];
    const y1 = loop[i + 1];
    const dx = Math.sign(x1 - x0) / 2;
    const dy = Math.sign(y1 - y0) / 2;
    const long = Math.abs(x1 - x0) + Math.abs(y1 - y0) > 2 * apart; // a straight piece keeps its direction
    for (let end = 0; end < 2; end++) {
      const x = end ? x1 - dx : x0 + dx;
      const y = end ? y1 - dy : y0 + dy;
      if (!long && Math.abs(x - lastX) < apart && Math.abs(y - lastY) < apart) continue;
      points.push(x, y);
      lastX = x;
      lastY = y;
    }
    x0 = x1;
    y0 = y1;
  }
  return points.length >= 6 ? points : loop;
}

function addLoop(path, points) {
  path.moveTo(points[0], points[1]);
  for (let i = 2; i < points.length; i += 2) path.lineTo(points[i], points[i + 1]);
  path.closePath();
}
