/* How unsure the model was, as a strip under a track's bar: the lower the score, the higher and the redder; nothing where it
   was sure.
   In: the lowest score in each of equal parts of the video (null where no mask has one). Out: steps on columns. */

const STEPS = 6;
const SURE = 0.9; // scores from here on are step 0, of which nothing is drawn

/** The step 0 (sure) .. STEPS - 1 (the lowest scores) for a score. */
export function stepOf(score) {
  if (score >= SURE) return 0;
  return Math.min(STEPS - 1, 1 + Math.floor(((SURE - score) / SURE) * (STEPS - 1)));
}

/** The step of each of `columns` columns over the range; the lowest score of a column counts, without any it is 0. */
export function heatSteps(scores, length, range, columns) {
  const perBin = length / scores.length;
  const scale = columns / (range.end - range.start);
  const steps = new Uint8Array(columns);
  const first = Math.max(0, Math.floor(range.start / perBin));
  const stop = Math.min(scores.length, Math.ceil(range.end / perBin));
  for (let bin = first; bin < stop; bin++) {
    if (scores[bin] === null) continue;
    const step = stepOf(scores[bin]);
    const left = Math.min(columns - 1, Math.max(0, Math.round((bin * perBin - range.start) * scale)));
    const right = Math.min(columns, Math.max(left + 1, Math.round(((bin + 1) * perBin - range.start) * scale)));
    for (let column = left; column < right; column++) if (steps[column] < step) steps[column] = step;
  }
  return steps;
}
