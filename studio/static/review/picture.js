/* One picture from the server, decoded beside the page's own work. In: its address. Out: an ImageBitmap, or an ApiError. */

import { ApiError } from "./api.js";

/** Rejects with an AbortError when the signal comes before the picture. */
export async function fetchPicture(url, signal) {
  const response = await answer(url, signal);
  if (!response.ok) throw new ApiError(response.status, `The frame could not be read (${response.status}).`);
  const bytes = await response.blob();
  try {
    return await createImageBitmap(bytes, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch {
    throw new ApiError(422, "The frame's picture is damaged.");
  }
}

export const isAbort = (error) => error?.name === "AbortError";

async function answer(url, signal) {
  try {
    return await fetch(url, { credentials: "same-origin", signal });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "The studio does not answer. Check that it is still running.");
  }
}
