/* What the net found in a few frames, step by step: the latest pictures, and a slider back to the parent's. */

import { url } from "./api.js";
import { element, fill } from "./dom.js";

export function pictures(id) {
  let steps = [];
  let samples = {};
  let latest = true; // whether the newest pictures are shown as they come
  const slider = element("input", { type: "range", min: "0", step: "1", "aria-label": "Step of the pictures", id: "finetune-step" });
  const words = element("output.muted");
  const row = element("div.samples");
  const node = element(
    "section.card",
    { id: "finetune-samples", hidden: true },
    element("div.card-line", {}, element("h2", {}, "What it finds"), element("span.grow"), words, slider),
    row,
  );

  function draw() {
    const step = steps[Number(slider.value)];
    words.textContent = step === 0 ? "the parent" : `step ${step}`;
    slider.setAttribute("aria-valuetext", words.textContent);
    const addresses = Array.from({ length: samples[step] ?? 0 }, (_, number) => url(`/finetunes/${id}/samples/${step}/${number}.jpg`));
    fill(
      row,
      ...addresses.map((address, number) =>
        element("a", { href: address, target: "_blank" }, element("img", { src: address, alt: `Picture ${number + 1} of ${words.textContent}` })),
      ),
    );
  }
  slider.addEventListener("input", () => {
    latest = Number(slider.value) === steps.length - 1;
    draw();
  });

  return {
    node,
    show(found) {
      samples = found;
      const before = steps.length;
      steps = Object.keys(found).map(Number).sort((a, b) => a - b);
      node.hidden = !steps.length;
      slider.hidden = steps.length < 2;
      slider.max = String(steps.length - 1);
      if (latest) slider.value = slider.max;
      if (steps.length !== before) draw();
    },
  };
}
