/* What the model predicted beside what is there now: at either side of a line that can be dragged, or one after the other.
   In: the parts of the page. Out: {toggle, element}; works while the state key `compare` is set. The key held down shows the
   model's masks alone until it is released. Changes nothing. */

import { ApiError } from "../api.js";
import { choice } from "../controls.js";
import { el } from "../dom.js";
import { MaskCache } from "../mask_cache.js";

const HELD = 300; // ms from which a press of the key counts as held
const BLINK = 700; // ms
const GONE = "#c8ced6"; // colour of tracks that exist no more

export function createCompare({ store, session, stage, api, toast }) {
  let originals = null; // MaskCache of the predictions
  let source = null; // the video and run that they are of
  let split = 0.5; // place of the line, as a part of the stage's width
  let whole = null; // "model" or "now" where one is shown alone
  let blinking = null;

  const cache = () => {
    const { video } = store.state;
    const wanted = `${video.id}/${video.run?.id}`;
    if (source !== wanted) {
      source = wanted;
      originals = new MaskCache((start, count) => api.originalMasks(video.id, start, count), video.length);
    }
    return originals;
  };
  const fetch = async () => {
    const { compare, video, frame } = store.state;
    if (!compare || !video || frame < 0) return;
    try {
      await cache().at(frame);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, { tone: "error" });
    }
    stage.draw();
  };
  /** The predictions of the frame on show as stage.visibleMasks() gives masks. */
  const predicted = ({ frame }) => {
    const { tracks, hidden, solo } = store.state;
    const byId = new Map(tracks.map((track) => [track.id, track]));
    return (cache().peek(frame) ?? [])
      .filter(({ track }) => (solo === null ? !hidden.has(track) : track === solo))
      .map((entry) => {
        const track = byId.get(entry.track) ?? { id: entry.track, color: GONE, category: "gone", score: entry.score };
        return { track, entry, shape: stage.shapeOf(entry) };
      });
  };

  const paint = stage.paintMasks;
  stage.paintMasks = (context, masks, state, scene) => {
    if (!state.compare || !originals) return paint(context, masks, state, scene);
    const line = whole ? { model: scene.size.width, now: 0 }[whole] : Math.round(split * scene.size.width);
    const half = (from, to, drawn) => {
      if (to <= from) return;
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, scene.size.height);
      context.clip();
      paint(context, drawn, state, scene);
      context.restore();
    };
    half(0, line, predicted(scene.shown));
    half(line, scene.size.width, masks);
    return undefined;
  };

  const element = createLine(store, {
    move(x) {
      split = Math.max(0.02, Math.min(0.98, x / stage.size.width));
      arrange();
    },
    root: stage.root,
  });
  const arrange = () => {
    const { compare, compareMode } = store.state;
    element.show({ compare, split: compareMode === "split" && !whole ? split : null, whole });
    stage.draw();
  };
  const alone = (which) => {
    whole = which;
    arrange();
  };
  const blink = () => {
    clearInterval(blinking);
    const { compare, compareMode } = store.state;
    alone(compare && compareMode === "blink" ? "model" : null);
    if (whole) blinking = setInterval(() => alone(whole === "model" ? "now" : "model"), BLINK);
  };
  const end = store.watch(["compare", "compareMode"], blink);
  store.watch(["compare", "frame", "video"], fetch);

  return {
    element: element.root,
    end() {
      end();
      clearInterval(blinking);
    },
    /** For the key: a tap turns it on or off, holding shows the model's masks until it is released. */
    toggle() {
      const on = !store.state.compare;
      const pressed = performance.now();
      store.set({ compare: on });
      if (!on) return;
      const hold = setTimeout(() => alone("model"), HELD);
      const released = () => {
        clearTimeout(hold);
        if (performance.now() - pressed < HELD) return;
        store.set({ compare: false });
      };
      window.addEventListener("keyup", released, { once: true });
    },
  };
}

/** The line with the names of both sides, and the choice between line and blinking. */
function createLine(store, { move, root: stage }) {
  const grip = el("div", { class: "ct-compare-line" }, el("span", { class: "ct-compare-grip" }));
  const sides = ["Model", "Now"].map((text) => el("span", { class: "ct-compare-side" }, text));
  const modes = choice(store, "compareMode", "How to compare", [
    { value: "split", text: "Line", title: "At either side of a line" },
    { value: "blink", text: "Blink", title: "One after the other" },
  ]);
  const bar = el("div", { class: "ct-compare-bar" }, el("span", { class: "ct-faint" }, "Compare"), modes);
  const root = el("div", { class: "ct-compare", hidden: true }, grip, ...sides, bar);
  const follow = (event) => move(event.clientX - stage.getBoundingClientRect().left);
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    grip.addEventListener("pointermove", follow);
  });
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", follow));
  return {
    root,
    show({ compare, split, whole }) {
      root.hidden = !compare;
      grip.hidden = split === null;
      root.style.setProperty("--split", `${(split ?? (whole === "now" ? 0 : 1)) * 100}%`);
      sides[0].hidden = whole === "now";
      sides[1].hidden = whole === "model";
      root.classList.toggle("ct-compare-whole", whole !== null);
    },
  };
}
