/* What marks look like: a suspicious moment is a diamond, a comment a speech bubble, several of them one shape with their
   number. In: a cluster (marks.js) and its middle on the canvas. Out: pixels. The one on show has a dark rim. */

const HALF = 5.5;

export function drawCluster(context, { kind, marks }, x, y, { colors, state }) {
  const current = marks.some((mark) => mark.kind === "suggestion" && mark.id === state.suggestion);
  context.lineJoin = "round";
  context.fillStyle = kind === "comment" ? colors.accent : colors.warning;
  context.strokeStyle = current ? colors.text : colors.surface;
  context.lineWidth = current ? 2 : 1.5;
  context.beginPath();
  if (marks.length > 1) numberShape(context, x, y, marks.length);
  else if (kind === "comment") bubble(context, x, y);
  else diamond(context, x, y);
  context.stroke();
  context.fill();
  if (marks.length > 1) {
    context.font = colors.tinyFont;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = colors.surface;
    context.fillText(numberText(marks.length), x, y + 0.5);
    context.textAlign = "left";
  }
}

export const numberText = (count) => (count > 99 ? "99+" : String(count));

function numberShape(context, x, y, count) {
  const half = 4 + 2.8 * numberText(count).length;
  context.roundRect(x - half, y - 6, 2 * half, 12, 4);
}

function diamond(context, x, y) {
  context.moveTo(x, y - HALF);
  context.lineTo(x + HALF, y);
  context.lineTo(x, y + HALF);
  context.lineTo(x - HALF, y);
  context.closePath();
}

function bubble(context, x, y) {
  context.roundRect(x - HALF, y - HALF, 2 * HALF, 8, 2.5);
  context.moveTo(x - 2, y + 2.5);
  context.lineTo(x - 2.5, y + 6);
  context.lineTo(x + 1.5, y + 2.5);
  context.closePath();
}
