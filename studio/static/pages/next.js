/* The frames to correct next, each a picture with the reason, that leads to the review page at the frame. */

import { get, url } from "./api.js";
import { element, emptyState, fill } from "./dom.js";
import { go } from "./shell.js";

const SHOWN = 12;
const PICTURE_HEIGHT = 144; // pixels: twice as large as shown at least, for sharp screens

/* Lists them in `holder`; returns a function that asks again. */
export function mountNext(holder, { project }) {
  async function refresh() {
    try {
      const { frames } = await get(`/projects/${project}/next?count=${SHOWN}`);
      fill(holder, frames.length ? element("div.next-frames", {}, ...frames.map(card)) : nothing());
    } catch (error) {
      fill(holder, element("p.muted", {}, error.message));
    }
  }
  refresh();
  return refresh;
}

function nothing() {
  return emptyState("check", "Nothing to review next", "Run a model on a video of this project; what it is unsure of is listed here.");
}

function card({ video, video_name, frame, reason }) {
  const place = { video, frame };
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go("review", place);
  };
  return element(
    "a.next-frame",
    { href: `?${new URLSearchParams({ view: "review", ...place })}`, onclick: follow },
    element("img", { src: url(`/videos/${video}/frames/${frame}.jpg?h=${PICTURE_HEIGHT}`), alt: "", loading: "lazy" }),
    element("span.next-place", {}, element("strong", {}, video_name), element("span.muted", {}, `frame ${frame}`)),
    element("span.muted", {}, reason),
  );
}
