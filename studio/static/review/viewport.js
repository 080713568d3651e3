/* Where the picture lies on the stage: zoom and shift, as plain arithmetic.
   A view is {scale, x, y}: screen = source * scale + (x, y), in CSS pixels. Sizes are {width, height}.
   Every function returns a new view; nothing here touches the page. */

const SMALLEST_SCALE = 0.05;
const LARGEST_SCALE = 40;
const MARGIN = 16; // px left free around a fitted picture
const VISIBLE = 48; // px of the picture that stay on the stage however far it is dragged

export function fitView(picture, stage) {
  const room = { width: Math.max(1, stage.width - 2 * MARGIN), height: Math.max(1, stage.height - 2 * MARGIN) };
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  return centred(scale, picture, stage);
}

/** The same view with the source point under the screen point (x, y) kept in place. */
export function zoomAt(view, point, factor) {
  const scale = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
}

export function panBy(view, dx, dy) {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Keeps part of the picture on the stage. */
export function keepVisible(view, picture, stage) {
  const clamp = (offset, size, room) => Math.min(room - VISIBLE, Math.max(VISIBLE - size * view.scale, offset));
  return {
    scale: view.scale,
    x: clamp(view.x, picture.width, stage.width),
    y: clamp(view.y, picture.height, stage.height),
  };
}

export function centred(scale, picture, stage) {
  return { scale, x: (stage.width - picture.width * scale) / 2, y: (stage.height - picture.height * scale) / 2 };
}

/** The view shifted by less than a pixel so that the picture begins on a whole pixel of the screen. */
export function snapped({ scale, x, y }, ratio) {
  return { scale, x: Math.round(x * ratio) / ratio, y: Math.round(y * ratio) / ratio };
}

/** Two fingers: the source points under `from` come to lie under `to`, as far as zoom and shift can do that. */
export function pinched(view, from, to) {
  const middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const spread = ([a, b]) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  const [start, end] = [middle(from), middle(to)];
  const zoomed = zoomAt(view, start, spread(to) / spread(from));
  return panBy(zoomed, end.x - start.x, end.y - start.y);
}

export function toSource(view, point) {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

export function toScreen(view, point) {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}
