/* Drawn shapes as pixels: polygons and boxes to cut masks {x, y, width, height, bits} (see mask.js).
   In: points {x, y} in source pixels, where the first pixel covers 0 to 1; the frame's size. Out: the pixels whose middle lies
   inside, null where there is none. Where a polygon crosses itself, what lies in it twice is outside. */

/** A pixel belongs to it when a line from its middle upwards meets the outline an odd number of times. */
export function polygonPixels(points, { width, height }) {
  const box = boundsOf(points, { width, height });
  if (!box || points.length < 3) return null;
  const bits = new Uint8Array(box.width * box.height);
  for (let column = 0; column < box.width; column++) {
    const crossings = crossingsAt(points, box.x + column + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5) - box.y);
      const to = Math.min(box.height, Math.ceil(crossings[i + 1] - 0.5) - box.y);
      if (from < to) bits.fill(1, column * box.height + from, column * box.height + to);
    }
  }
  return bits.includes(1) ? { ...box, bits } : null;
}

/** All pixels that the box between two points touches, as far as the frame goes. */
export function boxPixels(from, to, { width, height }) {
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x)));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y)));
  const right = Math.min(width, Math.floor(Math.max(from.x, to.x)) + 1);
  const bottom = Math.min(height, Math.floor(Math.max(from.y, to.y)) + 1);
  if (left >= right || top >= bottom) return null;
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  return { ...box, bits: new Uint8Array(box.width * box.height).fill(1) };
}

/** Heights, in order, at which the outline crosses the vertical line at x. */
function crossingsAt(points, x) {
  const found = [];
  for (let i = 0; i < points.length; i++) {
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    if (a.x <= x !== b.x <= x) found.push(a.y + ((x - a.x) / (b.x - a.x)) * (b.y - a.y));
  }
  return found.sort((one, other) => one - other);
}

function boundsOf(points, { width, height }) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const left = Math.max(0, Math.floor(Math.min(...xs)));
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const right = Math.min(width, Math.ceil(Math.max(...xs)));
  const bottom = Math.min(height, Math.ceil(Math.max(...ys)));
  return left < right && top < bottom ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}
