/* The bar between stage and timeline: play, step, the frame's number and time, the legend, the timeline's zoom.
   In: the store and actions. Out: an element that follows the state. */

import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";
import { timecode } from "./timeline_scale.js";
import { iconButton } from "./toolbar.js";

/** actions: {go(frame), step(delta), toggle(), zoom(factor), fit()} */
export function createTransport(store, actions) {
  return el(
    "div",
    { class: "ct-bar ct-transport", role: "toolbar", "aria-label": "Playback" },
    createButtons(store, actions),
    createPosition(store, actions),
    createSpeed(store),
    el("div", { class: "ct-spring" }),
    el(
      "div",
      { class: "ct-group ct-legend" },
      el("span", { class: "ct-key ct-key-model" }),
      "model",
      el("span", { class: "ct-key ct-key-user" }),
      "corrected",
    ),
    el(
      "div",
      { class: "ct-group", role: "group", "aria-label": "Timeline zoom" },
      iconButton("minus", "Timeline: zoom out", () => actions.zoom(0.5)),
      iconButton("plus", "Timeline: zoom in", () => actions.zoom(2)),
      iconButton("fit", "Show the whole timeline (T)", actions.fit),
    ),
  );
}

function createButtons(store, actions) {
  const play = button({ class: "ct-icon-button ct-primary", onclick: actions.toggle });
  store.watch(["playing"], ({ playing }) => {
    const title = playing ? "Pause (Space)" : "Play (Space)";
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.title = title;
    play.setAttribute("aria-label", title);
  });
  return el(
    "div",
    { class: "ct-group" },
    iconButton("first", "First frame (Home)", () => actions.go(0)),
    iconButton("previous", "One frame back (←)", () => actions.step(-1)),
    play,
    iconButton("next", "One frame on (→)", () => actions.step(1)),
    iconButton("last", "Last frame (End)", () => actions.go(Number.MAX_SAFE_INTEGER)),
  );
}

function createPosition(store, actions) {
  const input = el("input", { class: "ct-input ct-number", inputmode: "numeric", "aria-label": "Frame", value: 0 });
  const total = el("span", { class: "ct-faint ct-numbers" });
  const time = el("span", { class: "ct-numbers ct-time" });
  const commit = () => {
    const frame = Number.parseInt(input.value, 10);
    if (Number.isFinite(frame)) actions.go(frame);
    input.value = store.state.want;
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = store.state.want;
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", commit);
  store.watch(["want", "video"], ({ want, video }) => {
    if (document.activeElement !== input) input.value = want;
    setText(total, video ? `of 0–${video.length - 1}` : "");
    setText(time, video ? timecode(want, video.fps) : "");
  });
  return el("div", { class: "ct-group" }, el("span", { class: "ct-faint" }, "Frame"), input, total, time);
}

function createSpeed(store) {
  const title = "Frames per second, and frames that came too late to be shown";
  const root = el("span", { class: "ct-faint ct-numbers", title });
  store.watch(["video", "playing", "dropped"], ({ video, playing, dropped }) => {
    const rate = video ? `${Number(video.fps.toFixed(2))} fps` : "";
    setText(root, playing || dropped ? `${rate} · ${dropped} dropped` : rate);
  });
  return root;
}
