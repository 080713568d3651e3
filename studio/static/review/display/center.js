/* The centre of a mask. In: runs (see rle.js) and the frame's height. Out: {x, y} in source pixels, null for an empty mask. */

export function centerOfRuns(runs, height) {
  let [area, sumX, sumY, position] = [0, 0, 0, 0];
  for (let i = 0; i < runs.length; i++) {
    const end = position + runs[i];
    while (i % 2 === 1 && position < end) {
      const x = Math.floor(position / height);
      const stop = Math.min(end, (x + 1) * height);
      const count = stop - position;
      area += count;
      sumX += count * (x + 0.5);
      sumY += count * ((position + stop) / 2 - x * height);
      position = stop;
    }
    position = end;
  }
  return area ? { x: sumX / area, y: sumY / area } : null;
}
