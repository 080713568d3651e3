/* What the parent and the new model find in the same frames, side by side: the first and the best of a fine-tuning's pictures. */

import { url } from "./api.js";
import { element } from "./dom.js";

/* The steps whose pictures show the parent and the model that was kept; null where there are no two. */
export function stepsToShow(samples, best) {
  const steps = Object.keys(samples).map(Number).sort((a, b) => a - b);
  if (steps.length < 2) return null;
  const after = steps.slice(1).reduce((near, step) => (Math.abs(step - best) < Math.abs(near - best) ? step : near));
  return [steps[0], after];
}

export function beforeAfter({ name, parent, metrics, course }) {
  const steps = stepsToShow(course.samples, metrics?.best_step ?? course.steps);
  if (!steps) return null;
  const count = Math.min(...steps.map((step) => course.samples[step]));
  const picture = (step, number, whose) => {
    const address = url(`/finetunes/${course.finetune}/samples/${step}/${number}.jpg`);
    const image = element("img", { src: address, loading: "lazy", alt: `What ${whose} finds in frame ${number + 1}` });
    return element("a", { href: address, target: "_blank" }, image);
  };
  const pairs = Array.from({ length: count }, (_, number) =>
    element("div.before-after", {}, picture(steps[0], number, parent), picture(steps[1], number, name)),
  );
  const [, after] = steps;
  const exact = after === metrics?.best_step ? "" : `, step ${after}`;
  const heads = element("div.before-after.muted", {}, element("span", { title: parent }, parent), element("span", { title: name }, `${name}${exact}`));
  const all = element("div.pairs", {}, ...pairs.map((pair) => element("div", {}, heads.cloneNode(true), pair)));
  return element("section.card", { id: "model-pictures" }, element("h2", {}, "Before and after"), all);
}
