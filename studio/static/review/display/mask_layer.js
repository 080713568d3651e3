/* The masks of the frame on show: fill, outline or both, the selected one on top, with name tags.
   In: a 2d context in CSS pixels and the stage, whose state says which masks are seen and how. Out: ink.
   What is being painted lies over it as a canvas of its own (edit_layer.js). */

import { drawLabels, labelText, overlap } from "../labels.js";
import { toScreen } from "../viewport.js";
import { colorOf } from "./colors.js";

const LABEL_FONT = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const SELECTED = 2;
const HOVERED = 1;

/** masks: [{track, entry, shape}] as stage.visibleMasks() gives them. */
export function drawMasks(context, masks, state, { view, moved }) {
  const ordered = [...masks].sort((a, b) => emphasis(a, state) - emphasis(b, state));
  context.save();
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  for (const mask of ordered) {
    context.save();
    if (moved?.entries.has(mask.entry)) shift(context, mask.shape.crop, moved);
    drawMask(context, mask, emphasis(mask, state), state);
    context.restore();
  }
  context.restore();
}

/** Scaled about the middle of its box, then moved. */
function shift(context, crop, { dx, dy, scale }) {
  if (!crop) return;
  const [x, y] = [crop.x + crop.width / 2, crop.y + crop.height / 2];
  context.translate(x + dx, y + dy);
  context.scale(scale, scale);
  context.translate(-x, -y);
}

function drawMask(context, { track, entry, shape }, strength, state) {
  const { view, opacity, maskStyle = "both" } = state;
  const path = shape.path(view.scale);
  const color = colorOf(track, entry, state);
  const line = (style, width) => {
    context.strokeStyle = style;
    context.lineWidth = width / view.scale;
    context.stroke(path);
  };
  if (maskStyle !== "outline") {
    context.globalAlpha = Math.min(1, opacity + (strength === HOVERED ? 0.15 : 0));
    context.fillStyle = color;
    context.fill(path);
    context.globalAlpha = 1;
  }
  if (strength === SELECTED) line("rgb(255 255 255 / 90%)", 3.5);
  if (strength > 0 || maskStyle === "outline") line(color, 2);
  else if (maskStyle === "both") line(color, 1); // a line of one pixel costs a tenth of a wider one
}

export function drawTags(context, masks, state, { view, size }) {
  const { showLabels, hovered, locked } = state;
  if (!showLabels && hovered === null) return;
  const tags = masks
    .filter(({ track, shape }) => shape.crop && (showLabels || track.id === hovered))
    .map(({ track, entry, shape }) => ({
      text: labelText(track, entry),
      color: colorOf(track, entry, state),
      locked: locked?.has(track.id) ?? false,
      box: { ...toScreen(view, shape.crop), width: shape.crop.width * view.scale, height: shape.crop.height * view.scale },
      strong: emphasis({ track }, state) > 0,
    }))
    .filter(({ box }) => overlap(box, { x: 0, y: 0, ...size }));
  drawLabels(context, tags, size, LABEL_FONT);
}

function emphasis({ track }, { selected, selection, hovered }) {
  if (track.id === selected || selection?.includes(track.id)) return SELECTED;
  return track.id === hovered ? HOVERED : 0;
}
