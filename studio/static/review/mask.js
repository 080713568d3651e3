/* A mask cut to its bounding box, and the outline of its pixels.
   In: runs (see rle.js) in a frame of known height. Out: {x, y, width, height, bits} in source pixels,
   bits in column order inside the box; outlines as loops along pixel edges. */

/** Runs -> the mask cut to its bounding box, or null when no pixel is set. */
export function cropRuns(runs, frameHeight) {
  const box = boundsOfRuns(runs, frameHeight);
  if (!box) return null;
  const bits = new Uint8Array(box.width * box.height);
  forEachColumnSpan(runs, frameHeight, (x, top, bottom) => {
    const column = (x - box.x) * box.height - box.y;
    bits.fill(1, column + top, column + bottom);
  });
  return { ...box, bits };
}

/** Whether the cut mask covers the source pixel (x, y). */
export function covers(crop, x, y) {
  const column = Math.floor(x) - crop.x;
  const row = Math.floor(y) - crop.y;
  if (column < 0 || row < 0 || column >= crop.width || row >= crop.height) return false;
  return crop.bits[column * crop.height + row] === 1;
}

/** The outline of a cut mask as closed loops along pixel edges, each a list x0, y0, x1, y1, ... of its corners in source
 *  pixels. The mask lies to the right of the way; pixels that touch at a corner belong together. */
export function contours(crop) {
  const { x: left, y: top, width, height, bits } = crop;
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && bits[x * height + y] === 1;
  const seen = new Uint8Array(bits.length); // pixels whose upper edge is in a loop: every loop has one
  const loops = [];
  for (let start = 0; start < bits.length; start++) {
    start = bits.indexOf(1, start);
    if (start < 0) break;
    const x = Math.floor(start / height);
    if (!seen[start]) loops.push(follow(at, seen, height, x, start - x * height, left, top));
    const bottom = bits.indexOf(0, start); // on to the end of this vertical stretch
    start = Math.min(bottom < 0 ? bits.length : bottom, (x + 1) * height) - 1;
  }
  return loops;
}

const STEP_X = [1, 0, -1, 0]; // right, down, left, up
const STEP_Y = [0, 1, 0, -1];
const LEFT_X = [0, 0, -1, -1]; // the pixel ahead at the left, seen from a corner; the one at the right is a turn further
const LEFT_Y = [-1, 0, 0, -1];

/** One loop, begun to the right along the upper edge of the pixel (x, y). */
function follow(at, seen, height, x, y, left, top) {
  const loop = [];
  const first = { x, y };
  let way = 0;
  do {
    if (way === 0) seen[x * height + y] = 1;
    x += STEP_X[way];
    y += STEP_Y[way];
    const right = (way + 1) % 4;
    let turn = 0;
    if (at(x + LEFT_X[way], y + LEFT_Y[way])) turn = 3;
    else if (!at(x + LEFT_X[right], y + LEFT_Y[right])) turn = 1;
    if (turn) loop.push(left + x, top + y);
    way = (way + turn) % 4;
  } while (x !== first.x || y !== first.y || way !== 0);
  return loop;
}

function boundsOfRuns(runs, frameHeight) {
  let left = Infinity;
  let right = -1;
  let top = Infinity;
  let bottom = -1;
  forEachColumnSpan(runs, frameHeight, (x, y0, y1) => {
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y0);
    bottom = Math.max(bottom, y1);
  });
  return right < 0 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

/** Calls visit(x, top, bottom exclusive) for every vertical stretch of set pixels. */
function forEachColumnSpan(runs, frameHeight, visit) {
  let position = 0;
  for (let i = 0; i < runs.length; i++) {
    const end = position + runs[i];
    if (i % 2 === 1) {
      while (position < end) {
        const x = Math.floor(position / frameHeight);
        const columnStart = x * frameHeight;
        const stop = Math.min(end, columnStart + frameHeight);
        visit(x, position - columnStart, stop - columnStart);
        position = stop;
      }
    }
    position = end;
  }
}
