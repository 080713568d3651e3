/* The loupe: a round window beside the pointer with the picture's own pixels, each as a square, and the masks' outlines.
   In: the parts of the page. Out: an element; works while the state key `loupe` is set. Takes the frame at its full size,
   however small the stage shows it. */

import { ApiError } from "../api.js";
import { el } from "../dom.js";
import { drawMasks } from "./mask_layer.js";

const SIZE = 208; // CSS pixels across
const PIXELS = 26; // source pixels across, at least
const AWAY = 28; // px between the pointer and the window

export function createLoupe({ store, session, stage, pointer, api }) {
  const canvas = el("canvas", { class: "ct-loupe-picture" });
  const text = el("span", { class: "ct-loupe-text ct-numbers" });
  const root = el("div", { class: "ct-loupe", hidden: true, "aria-hidden": "true" }, canvas, text);
  let sharp = null; // {address, picture} at the video's own size
  let asked = null; // address

  const fetch = async () => {
    const { loupe, video, frame } = store.state;
    const coarse = stage.shown && video && stage.shown.picture.height < video.height;
    const address = coarse && loupe ? api.frameUrl(video.id, frame, null, video.version) : null;
    if (!address || asked === address) return;
    asked = address;
    try {
      const picture = await fullPicture(address);
      if (asked !== address) return picture.close();
      sharp?.picture.close();
      sharp = { address, picture };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the coarse picture stays
    }
    draw();
    return undefined;
  };

  const draw = () => {
    const { loupe, video, view, frame } = store.state;
    fetch();
    const at = loupe && pointer.lastEvent ? pointer.position : null;
    root.hidden = !at || !video || !stage.shown;
    if (root.hidden) return;
    const scale = Math.max(SIZE / PIXELS, 2 * Math.ceil(view.scale));
    const middle = { x: Math.floor(at.x) + 0.5, y: Math.floor(at.y) + 0.5 };
    const own = { scale, x: Math.round(SIZE / 2 - middle.x * scale), y: Math.round(SIZE / 2 - middle.y * scale) };
    const full = sharp?.address === api.frameUrl(video.id, frame, null, video.version);
    paint(own, full ? sharp.picture : stage.shown.picture);
    place(stage.pointOf(pointer.lastEvent));
    text.textContent = `${Math.floor(at.x)}, ${Math.floor(at.y)} · ${Math.round(scale)}×`;
  };

  const paint = (view, picture) => {
    const { state } = store;
    const { ratio } = stage;
    canvas.width = canvas.height = Math.round(SIZE * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, view.x, view.y, state.video.width * view.scale, state.video.height * view.scale);
    const looks = { ...state, view, opacity: state.opacity / 2 };
    if (state.showMasks) drawMasks(context, stage.visibleMasks(), looks, { view, moved: stage.moved });
    stage.drawEdit(context, view);
    const half = SIZE / 2;
    context.strokeStyle = "rgb(12 15 20 / 90%)";
    context.lineWidth = 3;
    context.strokeRect(half - view.scale / 2, half - view.scale / 2, view.scale, view.scale);
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.25;
    context.strokeRect(half - view.scale / 2, half - view.scale / 2, view.scale, view.scale);
  };

  /** Beside the pointer, on the side that has room. */
  const place = ({ x, y }) => {
    const left = x + AWAY + SIZE < stage.size.width ? x + AWAY : x - AWAY - SIZE;
    const top = y - AWAY - SIZE > 0 ? y - AWAY - SIZE : Math.min(y + AWAY, stage.size.height - SIZE - 4);
    root.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  };

  const follow = () => store.state.loupe && draw();
  stage.root.addEventListener("pointermove", follow);
  stage.root.addEventListener("pointerleave", follow);
  stage.addLayer({ order: Infinity, draw: follow });
  store.watch(["loupe", "frame", "video"], draw);
  return root;
}

async function fullPicture(url) {
  let response;
  try {
    response = await window.fetch(url, { credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "The studio does not answer.");
  }
  if (!response.ok) throw new ApiError(response.status, `The frame could not be read (${response.status}).`);
  return createImageBitmap(await response.blob());
}
