/* On the card of a moment that is sudden: two frames in a row, small, side by side, between which it happens. A click goes there.
   Fetched only for the moment on the card, once somebody rests on it. In: the parts of the page. Out: {root, end}. */

import { ApiError } from "../api.js";
import { button, el, setText } from "../dom.js";
import { isAbort } from "../picture.js";
import { tracksOf } from "./kinds.js";
import { framesAbout } from "./meeting.js";
import { sideBySide } from "./side_by_side.js";

const REST = 120; // ms on one moment
const WIDTH = 240; // px; the card makes them smaller

export function createBeforeAndThen(parts) {
  const { store, navigator } = parts;
  const sides = [0, 1].map(() => createSide((frame) => navigator.go(frame)));
  const root = el("div", { class: "ct-moment-sides" }, sides.map(({ element }) => element));
  let shown = null; // the moment whose pictures are there, or on their way
  let timer = null;
  let loading = null; // AbortController

  async function draw(moment, frames) {
    loading?.abort();
    const own = (loading = new AbortController());
    const views = frames.map((frame) => ({ frame, tracks: tracksOf(moment) }));
    try {
      const pictures = await sideBySide(parts, views, { width: WIDTH, fill: 0.12, signal: own.signal });
      if (loading === own) sides.forEach((side, i) => side.view.replaceChildren(pictures[i]));
    } catch (error) {
      if (!isAbort(error) && !(error instanceof ApiError)) throw error; // without the studio the frames stay grey; it is said elsewhere
    }
  }

  function drop() {
    clearTimeout(timer);
    loading?.abort();
    loading = shown = null;
    for (const { view } of sides) view.replaceChildren();
  }

  const ends = [
    store.watch(["suggestion", "suggestions", "tab", "rev", "video"], ({ suggestions, suggestion, tab, timeline }) => {
      const moment = tab === "queue" && suggestions.find(({ id }) => id === suggestion);
      const frames = moment ? framesAbout(moment, timeline) : null;
      root.hidden = frames === null;
      if (moment?.id !== shown) drop();
      if (!frames) return;
      shown = moment.id;
      sides.forEach((side, i) => side.name(frames[i]));
      clearTimeout(timer);
      timer = setTimeout(() => draw(moment, frames), REST);
    }),
    store.watch(["want"], ({ want }) => sides.forEach((side) => side.mark(want))),
    drop,
  ];
  return { root, end: () => ends.forEach((end) => end()) };
}

function createSide(go) {
  let frame = null;
  const view = el("span", { class: "ct-moment-view" });
  const caption = el("span", { class: "ct-numbers" });
  const element = button({ class: "ct-moment-side", onclick: () => go(frame) }, view, caption);
  return {
    element,
    view,
    name(next) {
      frame = next;
      setText(caption, `frame ${frame}`);
      element.title = `Go to frame ${frame}`;
      element.setAttribute("aria-label", element.title);
    },
    mark: (want) => element.setAttribute("aria-current", String(want === frame)),
  };
}
