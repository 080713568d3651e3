/* A polygon in the making on the stage: its edges, those that are not fixed yet dashed, corners as handles.
   In: a 2d context and points, both in CSS pixels. Out: ink that is seen on light and on dark pictures. */

const DARK = "rgb(12 15 20 / 85%)";
const LIGHT = "#ffffff";
const ACCENT = "#2f7cf6";

/** pointed: {vertex} or {edge, point} under the pointer; tip: where the next corner would be; both may be null. */
export function drawOutline(context, points, { pointed, tip }) {
  context.lineJoin = "round";
  trace(context, points);
  twice(context, 3.5, 1.5);
  context.setLineDash([4, 4]);
  trace(context, [points.at(-1), ...(tip && !pointed ? [tip] : []), points[0]]);
  twice(context, 2.5, 1);
  context.setLineDash([]);
  points.forEach((point, i) => handle(context, point, { marked: i === pointed?.vertex, first: i === 0 }));
  if (pointed?.point) handle(context, pointed.point, { marked: true, small: true });
}

/** A round handle; marked: under the pointer. */
export function handle(context, { x, y }, { marked = false, first = false, small = false } = {}) {
  context.beginPath();
  context.arc(x, y, small ? 3.5 : first ? 6 : 5, 0, 2 * Math.PI);
  context.fillStyle = marked ? ACCENT : LIGHT;
  context.fill();
  context.strokeStyle = DARK;
  context.lineWidth = 1.5;
  context.stroke();
}

function trace(context, points) {
  context.beginPath();
  points.forEach(({ x, y }, i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
}

function twice(context, outer, inner) {
  context.strokeStyle = DARK;
  context.lineWidth = outer;
  context.stroke();
  context.strokeStyle = LIGHT;
  context.lineWidth = inner;
  context.stroke();
}
