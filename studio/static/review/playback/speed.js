/* How fast, and what: speed, loop, only where the selected track is; the frame rate and how many frames came too late.
   In: the parts of the page. Out: an element. */

import { button, el, setText } from "../dom.js";
import { icon } from "../icons.js";
import { SPEEDS } from "../player.js";

export function createSpeed(parts) {
  const { store } = parts;
  const choice = el(
    "select",
    { class: "ct-input ct-speed", "aria-label": "Speed of playback", title: speedTitle(parts) },
    SPEEDS.map((speed) => el("option", { value: speed }, `${speed}×`)),
  );
  choice.addEventListener("change", () => {
    store.set({ speed: Number(choice.value) });
    choice.blur(); // the keyboard goes back to the stage
  });
  store.watch(["speed"], ({ speed }) => (choice.value = String(speed ?? 1)));
  return el(
    "div",
    { class: "ct-group" },
    choice,
    toggle(parts, "loop", "loop", "loop"),
    toggle(parts, "present", "presentOnly", "presentOnly"),
    createRate(store),
  );
}

function speedTitle({ keyOf }) {
  return `Speed of playback (${keyOf("slower")} slower, ${keyOf("faster")} faster)`;
}

function toggle({ store, bindings }, name, key, binding) {
  const element = button({ class: "ct-icon-button", onclick: () => store.set({ [key]: !store.state[key] }) }, icon(name));
  store.watch([key], (state) => element.setAttribute("aria-pressed", String(Boolean(state[key]))));
  return bindings.hint(element, binding);
}

function createRate(store) {
  const title = "Frames per second, and frames that came too late to be shown";
  const root = el("span", { class: "ct-faint ct-numbers ct-rate", title });
  store.watch(["video", "playing", "dropped", "times"], ({ video, playing, dropped, times }) => {
    const rate = video ? `${times ? "≈ " : ""}${Number(video.fps.toFixed(2))} fps` : "";
    root.toggleAttribute("data-dropped", dropped > 0);
    setText(root, playing || dropped ? `${rate} · ${dropped} dropped` : rate);
  });
  return root;
}
