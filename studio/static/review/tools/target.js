/* Which mask a drawing tool works on: that of the selected track in the frame on show.
   In: the parts of the page. Out: an EditLayer, or null after a sentence that says why not; saving is commands.js's. */

import { colorOf } from "../display/colors.js";
import { EditLayer } from "../edit_layer.js";

/** Whether there is a track to draw on; says why not. */
export function canDraw({ store, toast, keyOf }) {
  const { selected, locked } = store.state;
  if (selected === null) toast("Select a track first, or press N to start a new one.");
  else if (locked.has(selected)) toast(`Track ${selected} is locked. Unlock it with ${keyOf("lock")} to change it.`);
  else return true;
  return false;
}

/** facts: what the layer needs beside the mask: {diameter, erase} for strokes. */
export function openMask(parts, facts = {}) {
  const { store, stage, commands, player } = parts;
  player.stop();
  if (!canDraw(parts)) return null;
  const start = commands.strokeStart();
  if (!start) return null;
  const { tracks, video } = store.state;
  const track = tracks.find(({ id }) => id === start.track);
  const entry = { source: "user", score: null };
  const color = colorOf(track, entry, store.state);
  const layer = new EditLayer({ ...start, color, width: video.width, height: video.height, ...facts });
  stage.setEdit(layer);
  return layer;
}

/** Saves the mask as the layer has it now. */
export function saveMask({ stage, commands }, layer) {
  stage.setEdit(null);
  commands.strokeEnd(layer);
}

/** Lays a shape (a cut mask, or null for none) over the selected track's mask and saves it. Whether it could be done. */
export function drawShape(parts, shape, mode) {
  const layer = openMask(parts);
  if (!layer) return false;
  layer.apply(shape, mode);
  saveMask(parts, layer);
  return true;
}
