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
export function contours({ x, y, width, height, bits }) {
  const rows = height + 2; // an empty pixel all around, so that nothing has to be asked about the border
  const pixels = new Uint8Array((width + 2) * rows);
  for (let column = 0; column < width; column++) {
    pixels.set(bits.subarray(column * height, (column + 1) * height), (column + 1) * rows + 1);
  }
  const seen = new Uint8Array(pixels.length); // pixels whose upper edge is in a loop: every loop has one
  const loops = [];
  for (let start = pixels.indexOf(1); start >= 0; start = pixels.indexOf(1, start)) {
    if (!seen[start]) loops.push(follow(pixels, seen, rows, start, x - 1, y - 1));
    start = pixels.indexOf(0, start); // on to the end of this vertical stretch
  }
  return loops;
}

/** One loop, begun to the right along the upper edge of the pixel at `start`. A corner of pixels goes by the pixel to the
 *  right of it and below. */
function follow(pixels, seen, rows, start, left, top) {
  const steps = [rows, 1, -rows, -1]; // right, down, left, up
  const ahead = [-1, 0, -rows, -rows - 1]; // the pixel ahead at the left; the one at the right is a turn further
  const loop = [];
  let corner = start;
  let way = 0;
  do {
    if (way === 0) seen[corner] = 1;
    corner += steps[way];
    let turn = 0;
    if (pixels[corner + ahead[way]]) turn = 3;
    else if (!pixels[corner + ahead[(way + 1) & 3]]) turn = 1;
    if (turn) {
      const column = Math.floor(corner / rows);
      loop.push(left + column, top + corner - column * rows);
      way = (way + turn) & 3;
    }
  } while (corner !== start || way !== 0);
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
