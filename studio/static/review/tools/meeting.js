/* Whether two masks share a pixel. In: masks cut to their boxes, {x, y, width, height, bits} in column order (mask.js), null for an
   empty one. Out: a boolean. What was found is kept as long as both masks are. */

const known = new WeakMap(); // crop -> WeakMap of the other crop -> boolean

export function meet(one, other) {
  if (!one || !other) return false;
  if (!known.has(one)) known.set(one, new WeakMap());
  const found = known.get(one);
  if (!found.has(other)) found.set(other, share(one, other));
  return found.get(other);
}

function share(a, b) {
  const [left, right] = [Math.max(a.x, b.x), Math.min(a.x + a.width, b.x + b.width)];
  const [top, bottom] = [Math.max(a.y, b.y), Math.min(a.y + a.height, b.y + b.height)];
  for (let x = left; x < right; x++) {
    const [inA, inB] = [(x - a.x) * a.height - a.y, (x - b.x) * b.height - b.y];
    for (let y = top; y < bottom; y++) if (a.bits[inA + y] && b.bits[inB + y]) return true;
  }
  return false;
}
