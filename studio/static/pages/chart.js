/* A small line chart: a few curves over one axis, with the values under the pointer, or where the arrow keys point.

   lineChart(element, {series: [{name, points: [[x, y], ...], level}], xLabel, yLabel}) draws into the element and can be called
   again with more points; it is as wide as the element, and drawn anew when that changes. Points that are no numbers are left out.
   A series that is a `level` is dashed: something to compare with, of two points. */

import { element, fill } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 180; // pixels
const EDGE = { left: 44, right: 12, top: 10, bottom: 24 };
const TICKS = 4;
const drawn = new WeakMap(); // element -> {chart, at}: what it shows, and the x whose values are read or null

export function lineChart(root, chart) {
  const known = drawn.get(root);
  drawn.set(root, { chart, at: known?.at ?? null });
  root.classList.add("chart");
  if (!known) new ResizeObserver(() => draw(root)).observe(root);
  draw(root);
}

function draw(root) {
  const state = drawn.get(root);
  const { series, xLabel = "", yLabel = "" } = state.chart;
  const width = root.clientWidth;
  if (!width) return;
  const curves = series
    .map(({ name, level, points }) => ({ name, level, points: points.filter((point) => point.every(Number.isFinite)) }))
    .filter(({ points }) => points.length);
  if (!curves.length) return void fill(root, element("p.muted.chart-empty", {}, "Nothing to show yet."));
  const scale = scaleOf(curves.flatMap(({ points }) => points), width);
  const reading = element("div.chart-reading", { hidden: true });
  const pointer = line(0, EDGE.top, 0, HEIGHT - EDGE.bottom, "chart-pointer");
  const places = [...new Set(curves.filter(({ level }) => !level).flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const held = root.contains(document.activeElement);
  const svg = node("svg", { width, height: HEIGHT, role: "img", tabindex: "0", "aria-label": describe(curves, xLabel, yLabel) });
  svg.append(...axes(scale, width), ...curves.map((curve, i) => curveOf(curve, i, scale)), pointer);
  const read = (at) => {
    state.at = at;
    pointer.style.display = at === null ? "none" : "";
    reading.hidden = at === null;
    if (at === null) return;
    pointer.setAttribute("transform", `translate(${scale.x(at)} 0)`);
    const values = curves.map(({ name, level, points }, i) => [i, name, level ? points[0][1] : points.find(([x]) => x === at)?.[1]]);
    const rows = values.filter(([, , y]) => y !== undefined).map(([i, name, y]) => row(i, `${name} ${short(y)}`));
    fill(reading, element("strong", {}, `${xLabel} ${short(at)}`), ...rows);
    reading.style.left = `${Math.max(0, Math.min(scale.x(at) + 10, width - reading.offsetWidth))}px`;
  };
  svg.addEventListener("pointermove", ({ offsetX }) => places.length && read(nearest(places, scale, offsetX)));
  svg.addEventListener("pointerleave", () => read(null));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !places.length) return;
    event.preventDefault();
    const here = state.at === null ? places.length : places.indexOf(state.at);
    read(places[Math.min(places.length - 1, Math.max(0, here + step))]);
  });
  const legend = element("div.chart-legend", {}, element("span.muted", {}, yLabel), ...curves.map(({ name }, i) => curves.length > 1 && row(i, name)));
  fill(root, legend, element("div.chart-area", {}, svg, reading), element("div.chart-x.muted", {}, xLabel));
  if (held) svg.focus({ preventScroll: true });
  read(places.includes(state.at) ? state.at : null);
}

const row = (i, text) => element(`span.chart-name.chart-${i % 6}`, {}, element("i"), text);

function scaleOf(points, width) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const steps = niceSteps(Math.min(0, ...ys), Math.max(...ys));
  const [bottom, top] = [steps[0], steps.at(-1)];
  const along = (value, from, to, start, end) => start + ((value - from) / (to - from || 1)) * (end - start);
  return {
    x: (value) => along(value, left, right, EDGE.left, width - EDGE.right),
    y: (value) => along(value, bottom, top, HEIGHT - EDGE.bottom, EDGE.top),
    xTicks: niceSteps(left, right).filter((value) => value >= left && value <= right),
    yTicks: steps,
  };
}

/* Round numbers from at most `low` to at least `high`. */
function niceSteps(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / TICKS));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= TICKS);
  const first = Math.floor(low / step + 1e-9);
  const count = Math.ceil(high / step - 1e-9) - first;
  return Array.from({ length: Math.max(count, 1) + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function axes({ x, y, xTicks, yTicks }, width) {
  const rows = yTicks.flatMap((value) => [
    line(EDGE.left, y(value), width - EDGE.right, y(value), "chart-grid"),
    text(EDGE.left - 8, y(value) + 4, short(value), "end"),
  ]);
  return [...rows, ...xTicks.map((value) => text(x(value), HEIGHT - 6, short(value), "middle"))];
}

function curveOf({ points, level }, i, { x, y }) {
  const group = node("g", { class: `chart-curve chart-${i % 6}${level ? " chart-level" : ""}` });
  const path = points.map(([px, py], place) => `${place ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
  group.append(node("path", { d: path }));
  if (points.length <= 24 && !level) group.append(...points.map(([px, py]) => node("circle", { cx: x(px), cy: y(py), r: 2.5 })));
  return group;
}

function nearest(places, { x }, offset) {
  return places.reduce((best, value) => (Math.abs(x(value) - offset) < Math.abs(x(best) - offset) ? value : best));
}

function describe(curves, xLabel, yLabel) {
  const last = curves.map(({ name, points }) => `${name} ${short(points.at(-1)[1])}`).join(", ");
  return `${yLabel} over ${xLabel}; at the end: ${last}`;
}

export const short = (value) => (value && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3))));
const line = (x1, y1, x2, y2, kind) => node("line", { x1, y1, x2, y2, class: kind });

function text(x, y, words, anchor) {
  const label = node("text", { x, y, "text-anchor": anchor });
  label.textContent = words;
  return label;
}

function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
