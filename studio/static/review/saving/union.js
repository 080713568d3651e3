/* Two masks as one. In and out: runs as rle.js has them, of the same size. */

export function unionOfRuns(a, b) {
  const runs = [];
  const ends = [a, b].map((of) => ({ of, index: 0, left: of[0] ?? 0 }));
  const isSet = ({ index }) => index % 2 === 1;
  let set = false; // what the run in the making holds
  let length = 0;
  const live = () => ends.filter((end) => end.index < end.of.length);
  for (let parts = live(); parts.length; parts = live()) {
    const step = Math.min(...parts.map(({ left }) => left));
    const now = parts.some(isSet);
    if (step > 0 && now !== set) {
      runs.push(length);
      length = 0;
      set = now;
    }
    length += step;
    for (const end of parts) {
      end.left -= step;
      if (end.left === 0) end.left = end.of[++end.index] ?? 0;
    }
  }
  runs.push(length);
  return Uint32Array.from(runs);
}
