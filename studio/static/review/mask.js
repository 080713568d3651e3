/* A mask cut to its bounding box, and the outline of its pixels.
   In: runs (see rle.js) in a frame of known height. Out: {x, y, width, height, bits} in source pixels,
   bits in column order inside the box; outlines as straight segments along pixel edges. */

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

/** Outline of a cut mask: flat Int32Array of segments x0, y0, x1, y1 in source pixels, neighbours in line joined. */
export function outline({ x: left, y: top, width, height, bits }) {
  const segments = [];
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : bits[x * height + y]);
  const along = (lines, length, differs, push) => {
    for (let line = 0; line <= lines; line++) {
      let start = -1;
      for (let i = 0; i <= length; i++) {
        const edge = i < length && differs(line, i);
        if (edge && start < 0) start = i;
        if (!edge && start >= 0) {
          push(line, start, i);
          start = -1;
        }
      }
    }
  };
  along(
    width,
    height,
    (x, y) => at(x - 1, y) !== at(x, y),
    (x, y0, y1) => segments.push(left + x, top + y0, left + x, top + y1),
  );
  along(
    height,
    width,
    (y, x) => at(x, y - 1) !== at(x, y),
    (y, x0, x1) => segments.push(left + x0, top + y, left + x1, top + y),
  );
  return Int32Array.from(segments);
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
