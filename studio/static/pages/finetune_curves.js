/* The curves of a fine-tuning: losses, AP on the held-out videos beside that of the model in use, and the learning rate. */

import { lineChart } from "./chart.js";
import { element } from "./dom.js";

const TERMS = { class: "classes", mask: "masks", dice: "outlines", reid: "identities" };

const curve = (name, points, key) => ({ name, points: points.filter((at) => at[key] != null).map((at) => [at.step, at[key]]) });

export function curves() {
  const [loss, score, terms, rate] = Array.from({ length: 4 }, () => element("div"));
  const scoreCard = element("div.card", {}, score);
  const node = element("div.charts", {}, element("div.card", {}, loss), scoreCard, element("div.card", {}, terms), element("div.card", {}, rate));
  return {
    node,
    draw({ training, validation, steps }) {
      node.hidden = !training.length && !validation.length;
      scoreCard.hidden = !validation.length;
      const before = validation[0]?.AP;
      const last = Math.max(steps, validation.at(-1)?.step ?? 0);
      const chart = (root, yLabel, series) => lineChart(root, { xLabel: "step", yLabel, series });
      chart(loss, "Loss", [curve("loss", training, "total")]);
      chart(terms, "Its parts", Object.entries(TERMS).map(([key, name]) => curve(name, training, key)));
      chart(rate, "Learning rate", [curve("rate", training, "learning_rate")]);
      chart(score, "AP on held-out videos", [
        curve("AP", validation, "AP"),
        curve("AP50", validation, "AP50"),
        { name: "before", level: true, points: before == null ? [] : [[0, before], [last, before]] },
      ]);
    },
  };
}
