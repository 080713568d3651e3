/* How unsure the model was, as a strip under a track's bar: the lower the score, the higher and the redder; nothing where it
   was sure.
   In: the lowest score in each of equal parts of the video (null where no mask has one). Out: steps on columns of pixels. */

const STEPS = 6;
const SURE = 0.9; // scores from here on are step 0, of which nothing is drawn

/** The step 0 (sure) .. STEPS - 1 (the lowest scores) for a score. */
export function stepOf(score) {
  if (score >= SURE) return 0;
  return Math.min(STEPS - 1, 1 + Math.floor(((SURE - score) / SURE) * (STEPS - 1)));
}

/** Runs {left, right, step} on `columns` columns over the range; the lowest score of a column counts. */
export function heatRuns(scores, length, range, columns) {
  const perBin = length / scores.length;
  const scale = columns / (range.end - range.start);
  const steps = new Uint8Array(columns); // 0: nothing, else step + 1
  const first = Math.max(0, Math.floor(range.start / perBin));
  const stop = Math.min(scores.length, Math.ceil(range.end / perBin));
  for (let bin = first; bin < stop; bin++) {
    if (scores[bin] === null) continue;
    const step = 1 + stepOf(scores[bin]);
    const left = Math.min(columns - 1, Math.max(0, Math.round((bin * perBin - range.start) * scale)));
    const right = Math.min(columns, Math.max(left + 1, Math.round(((bin + 1) * perBin - range.start) * scale)));
    for (let column = left; column < right; column++) if (steps[column] < step) steps[column] = step;
  }
  return joined(steps);
}

function joined(steps) {
  const runs = [];
  for (let left = 0, right; left < steps.length; left = right) {
    right = left + 1;
    while (right < steps.length && steps[right] === steps[left]) right++;
    if (steps[left]) runs.push({ left, right, step: steps[left] - 1 });
  }
  return runs;
}

/** Draws the runs with their foot at `bottom`; colors: one per step from 1, `ratio`: columns per CSS pixel. */
export function drawHeat(context, runs, left, bottom, height, colors, ratio) {
  const bySteps = Array.from({ length: STEPS }, () => []);
  for (const run of runs) bySteps[run.step].push(run);
  for (let step = 1; step < STEPS; step++) {
    const tall = 1.5 + ((height - 1.5) * step) / (STEPS - 1);
    context.fillStyle = colors[step - 1];
    for (const run of bySteps[step]) {
      context.fillRect(left + run.left / ratio, bottom - tall, (run.right - run.left) / ratio, tall);
    }
  }
}
