/* Which mask a drawing tool works on: that of the selected track in the frame on show.
   In: the parts of the page. Out: an EditLayer, or null after a sentence that says why not; saving is commands.js's. */

import { colorOf } from "../display/colors.js";
import { EditLayer } from "../edit_layer.js";

/** facts: what the layer needs beside the mask: {diameter, erase} for strokes. */
export function openMask({ store, stage, commands, player, toast }, facts = {}) {
  player.stop();
  const { selected, locked, video, tracks } = store.state;
  if (locked.has(selected)) {
    toast(`Track ${selected} is locked. Unlock it with Shift+L to change it.`);
    return null;
  }
  const start = commands.strokeStart();
  if (!start) return null;
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
