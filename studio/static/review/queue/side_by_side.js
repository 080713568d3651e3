/* Two moments of a video as small pictures of one and the same part of it, so that what moves or grows between them is seen.
   In: the parts of the page, two views {frame, tracks}. Out: canvases. What is fetched is what the stage fetches: the frame at the
   height that the server keeps ready, and masks of the page's own cache. */

import { READY } from "../frame_cache.js";
import { fetchPicture, isAbort } from "../picture.js";
import { maskPicture, partAround } from "../saving/mask_picture.js";
import { ApiError } from "../api.js";

const SURROUNDINGS = 0.3; // of the frame's height, shown at least: where a small thing is belongs to what it is

/** A picture of each view, `width` CSS pixels wide, with the outlines of its tracks; the signal gives them up. */
export async function sideBySide({ api, store, session }, views, { width, fill, signal = null }) {
  const { video, tracks } = store.state;
  const size = [video.height, video.width];
  const colorOf = (id) => tracks.find((track) => track.id === id)?.color ?? "#4e79ff";
  const load = async ({ frame, tracks: shown }) => {
    const [image, entries] = await Promise.all([pictureOf(api, video, frame, signal), session.masks.at(frame)]);
    const masks = entries.filter(({ track }) => shown.includes(track)).map(({ track, runs }) => ({ runs, color: colorOf(track) }));
    return { image, masks, label: `Frame ${frame}` };
  };
  const loaded = await Promise.all(views.map(load));
  const part = partAround(loaded.flatMap(({ masks }) => masks.map(({ runs }) => runs)), size, { least: SURROUNDINGS * video.height });
  const pictures = loaded.map((view) => maskPicture({ ...view, size, part, width, fill }));
  for (const { image } of loaded) image?.close();
  return pictures;
}

/** Null where it cannot be had, so that the masks can still be compared. */
async function pictureOf(api, video, frame, signal) {
  const height = video.height > READY ? READY : null;
  try {
    return await fetchPicture(api.frameUrl(video.id, frame, height, video.version), signal);
  } catch (error) {
    if (isAbort(error) || !(error instanceof ApiError)) throw error;
    return null;
  }
}
