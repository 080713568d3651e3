/* The bar between stage and timeline: play, step, the frame's number and time, speed, the chosen range, the legend, the
   timeline's zoom. In: the parts of the page and what features add. Out: an element that follows the state. */

import { button, el, setText } from "./dom.js";
import { icon } from "./icons.js";
import { createRange } from "./playback/range.js";
import { createSpeed } from "./playback/speed.js";
import { createLegend } from "./timeline/legend.js";
import { frameOf, secondsOf, timecode } from "./timeline/time.js";
import { commandButton, iconButton } from "./toolbar.js";

/** extras: elements of features, placed before the timeline's zoom. */
export function createTransport(parts, extras = []) {
  const { timeline } = parts;
  return el(
    "div",
    { class: "ct-bar ct-transport", role: "toolbar", "aria-label": "Playback" },
    createButtons(parts),
    createPosition(parts),
    createSpeed(parts),
    el("div", { class: "ct-spring" }),
    createRange(parts),
    extras,
    createLegend(parts),
    el(
      "div",
      { class: "ct-group", role: "group", "aria-label": "Timeline zoom" },
      iconButton("minus", "Timeline: zoom out", () => timeline.zoom(0.5)),
      iconButton("plus", "Timeline: zoom in", () => timeline.zoom(2)),
      commandButton(parts, "fit", "wholeTimeline"),
    ),
  );
}

function createButtons(parts) {
  const { store, player, bindings } = parts;
  const play = button({ class: "ct-icon-button ct-primary", onclick: () => player.toggle() });
  store.watch(["playing"], ({ playing }) => {
    play.replaceChildren(icon(playing ? "pause" : "play"));
    bindings.hint(play, "play", playing ? "Pause" : "Play");
  });
  const change = [commandButton(parts, "previousChange", "previousEdge"), commandButton(parts, "nextChange", "nextEdge")];
  return el(
    "div",
    { class: "ct-group" },
    commandButton(parts, "first", "firstFrame"),
    change[0],
    commandButton(parts, "previous", "back"),
    play,
    commandButton(parts, "next", "on"),
    change[1],
    commandButton(parts, "last", "lastFrame"),
  );
}

function createPosition({ store, navigator }) {
  const input = el("input", { class: "ct-input ct-number", "aria-label": "Frame", title: "A frame, or a time such as 1:02.5", value: 0 });
  const total = el("span", { class: "ct-faint ct-numbers ct-total" });
  const time = el("span", { class: "ct-numbers ct-time" });
  const commit = () => {
    const frame = store.state.video && frameOf(input.value, store.state);
    if (Number.isInteger(frame)) navigator.go(frame);
    input.value = store.state.want;
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = store.state.want;
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", commit);
  store.watch(["want", "video", "times"], (state) => {
    const { want, video } = state;
    if (document.activeElement !== input) input.value = want;
    input.style.setProperty("--ct-digits", String(video?.length ?? 0).length);
    setText(total, video ? `of 0–${video.length - 1}` : "");
    setText(time, video ? timecode(secondsOf(want, state)) : "");
  });
  return el("div", { class: "ct-group" }, el("span", { class: "ct-faint ct-wide" }, "Frame"), input, total, time);
}
