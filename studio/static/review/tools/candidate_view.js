/* A candidate on the stage: its mask, so that it differs from every track's, and what it is.
   In: a 2d context in CSS pixels, the path in source pixels, the view, {x, y, text}. Out: ink. */

const FONT = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const HEIGHT = 20;

export function drawCandidate(context, path, view, { x, y, text }, size) {
  context.save();
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  context.fillStyle = "rgb(255 255 255 / 38%)";
  context.fill(path);
  context.strokeStyle = "#2f7cf6";
  context.lineWidth = 4 / view.scale;
  context.stroke(path);
  context.setLineDash([6 / view.scale, 4 / view.scale]);
  context.strokeStyle = "#ffffff";
  context.lineWidth = 2 / view.scale;
  context.stroke(path);
  context.restore();

  context.font = FONT;
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 14;
  const left = Math.max(2, Math.min(x, size.width - width - 2));
  const top = Math.max(2, Math.min(y - HEIGHT - 4, size.height - HEIGHT - 2));
  context.fillStyle = "#1f5fd0";
  context.beginPath();
  context.roundRect(left, top, width, HEIGHT, 4);
  context.fill();
  context.fillStyle = "#ffffff";
  context.fillText(text, left + 7, top + HEIGHT / 2 + 0.5);
}
