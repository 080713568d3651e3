/* The brush: sets or clears the source pixels under a round tip drawn from one point to another.
   In: bits in column order (see rle.js), points {x, y} in source pixels, diameter in source pixels.
   Out: the changed rectangle {x, y, width, height}, or null. The screen's zoom plays no part here. */

/** Paints one straight piece of a stroke. A pixel belongs to it when its centre lies within the radius. */
export function paintSegment(bits, width, height, from, to, diameter, value) {
  const a = snap(from, diameter);
  const b = snap(to, diameter);
  const radius = diameter / 2;
  const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - radius));
  const right = Math.min(width, Math.ceil(Math.max(a.x, b.x) + radius));
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - radius));
  const bottom = Math.min(height, Math.ceil(Math.max(a.y, b.y) + radius));
  if (left >= right || top >= bottom) return null;

  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const squaredLength = dx * dx + dy * dy;
  const limit = radius * radius + 1e-9;
  for (let x = left; x < right; x++) {
    for (let y = top; y < bottom; y++) {
      const px = x + 0.5 - a.x;
      const py = y + 0.5 - a.y;
      const along = squaredLength ? Math.min(1, Math.max(0, (px * dx + py * dy) / squaredLength)) : 0;
      const ex = px - along * dx;
      const ey = py - along * dy;
      if (ex * ex + ey * ey <= limit) bits[x * height + y] = value;
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The tip sits on a pixel's centre when its diameter is odd and on a corner when even, so its shape never wobbles. */
function snap({ x, y }, diameter) {
  return diameter % 2 === 1 ? { x: Math.floor(x) + 0.5, y: Math.floor(y) + 0.5 } : { x: Math.round(x), y: Math.round(y) };
}

const SIZES = [1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100, 128, 160, 200];

export const LARGEST_BRUSH = SIZES[SIZES.length - 1];

/** The next larger (direction 1) or smaller (-1) diameter. */
export function nextSize(diameter, direction) {
  const next = direction > 0 ? SIZES.find((size) => size > diameter) : SIZES.findLast((size) => size < diameter);
  return next ?? diameter;
}
