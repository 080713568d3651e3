/* Two tracks that may be one object, side by side in the frames that show them best; the person merges them or not.
   In: the parts of the page. Out: a <dialog> with open(moment), a promise of whether they are the same. */

import { button, el } from "../dom.js";
import { decodeCounts } from "../rle.js";
import { loadPicture, maskPicture, partAround } from "../saving/mask_picture.js";

const WIDTH = 364; // px of a picture
const HEIGHT = 720; // px of the frame that is fetched for it

export function createCompare({ api, store, session }) {
  let answer = null;
  const title = el("h2", {});
  const pictures = el("div", { class: "ct-versions" });
  const give = (same) => {
    answer?.(same);
    answer = null;
    dialog.close();
  };
  const merge = button({ class: "ct-outline ct-main-button", onclick: () => give(true) }, "Merge them", cap("Enter"));
  const cancel = button({ class: "ct-outline", onclick: () => give(false) }, "Cancel", cap("Esc"));
  const dialog = el(
    "dialog",
    { class: "ct-dialog ct-compare", "aria-label": "Two tracks side by side" },
    title,
    el("p", {}, "Each in the frame that shows it best. If it is one object, its masks become one track; one step of undo parts them."),
    pictures,
    el("footer", { class: "ct-dialog-foot" }, cancel, merge),
  );
  dialog.addEventListener("close", () => dialog.open || give(false)); // it comes late, and may find the next question open

  async function open({ track, other }) {
    const { video } = store.state;
    const names = [track, other].map((id) => nameOf(store, id));
    title.textContent = `Are ${names[0]} and ${names[1]} the same?`;
    pictures.replaceChildren();
    dialog.showModal();
    merge.focus();
    answer?.(false);
    const asked = new Promise((resolve) => (answer = resolve));
    const { best } = await api.confidence(video.id, 1);
    const views = await Promise.all([track, other].map((id) => viewOf(id, best[id])));
    pictures.replaceChildren(...views.map((view, i) => figure(view, names[i])));
    return asked;
  }

  /** A track in its best frame: {picture, frame}. */
  async function viewOf(track, frame) {
    const { video, tracks } = store.state;
    const size = [video.height, video.width];
    const found = await api.masks(video.id, frame ?? 0, 1);
    const mask = found.frames[0]?.find((one) => one.track === track) ?? null;
    const runs = mask && decodeCounts(mask.counts);
    const image = await loadPicture(api.frameUrl(video.id, frame ?? 0, Math.min(HEIGHT, video.height), video.version));
    const color = tracks.find(({ id }) => id === track)?.color ?? "#4e79ff";
    const label = `Track ${track} in frame ${frame}`;
    return { frame, picture: maskPicture({ image, runs, size, part: partAround([runs], size), color, width: WIDTH, label }) };
  }

  return { root: dialog, open: (moment) => open(moment).catch((error) => failed(error)) };

  function failed(error) {
    give(false);
    session.toast(error.message, { tone: "error" });
    return false;
  }
}

const cap = (text) => el("kbd", { class: "ct-key-cap" }, text);

function figure({ picture, frame }, name) {
  const caption = el("figcaption", {}, el("strong", {}, name), el("span", { class: "ct-faint" }, `frame ${frame}`));
  return el("figure", { class: "ct-version" }, picture, caption);
}

function nameOf({ state }, id) {
  const track = state.tracks.find((one) => one.id === id);
  return track?.category ? `${track.category} ${id}` : `track ${id}`;
}
