/* What the model predicted, or another run (state key `compareWith`), beside what is there now: at either side of a line that can
   be dragged, one after the other, or as outlines over it. In: the parts of the page. Out: {toggle, element}; works while the state
   key `compare` is set. The key held down shows the model's masks alone until it is released. Changes nothing. */

import { ApiError } from "../api.js";
import { choice } from "../controls.js";
import { el, setText } from "../dom.js";
import { MaskCache } from "../mask_cache.js";
import { runName } from "../other_runs/comparisons.js";

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
    const { video, compareWith } = store.state;
    const run = compareWith === null ? null : video.runs.find(({ id }) => id === compareWith);
    const wanted = `${video.id}/${run?.id ?? video.run?.id}/${run?.frames_done ?? ""}`;
    if (source !== wanted) {
      source = wanted;
      const masks = run ? (start, count) => api.runMasks(video.id, run.id, start, count) : (start, count) => api.originalMasks(video.id, start, count);
      originals = new MaskCache(masks, video.length);
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
    const { tracks, hidden, solo, comparison, compareWith } = store.state;
    const byId = new Map(tracks.map((track) => [track.id, track]));
    const others = compareWith === null ? [] : (comparison?.tracks ?? []).filter(({ other }) => other !== null);
    for (const { track, other, color, other_category: category } of others) {
      byId.set(other, byId.get(track) ?? { id: other, color, category });
    }
    return (cache().peek(frame) ?? [])
      .map((entry) => {
        const track = byId.get(entry.track) ?? { id: entry.track, color: GONE, category: "gone", score: entry.score };
        return { track, entry, shape: stage.shapeOf(entry) };
      })
      .filter(({ track }) => (solo === null ? !hidden.has(track.id) : track.id === solo));
  };

  const paint = stage.paintMasks;
  stage.paintMasks = (context, masks, state, scene) => {
    if (!state.compare || !originals) return paint(context, masks, state, scene);
    if (state.compareMode === "over" && !whole) {
      paint(context, masks, state, scene);
      return paint(context, ...outlined(predicted(scene.shown), state), scene);
    }
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
    element.show({ compare, split: compareMode === "split" && !whole ? split : null, whole, over: compareMode === "over" && !whole });
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
  store.watch(["compare", "frame", "video", "compareWith"], fetch);
  store.watch(["comparison"], () => store.state.compare && stage.draw());

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

/** Masks and a state with which they are painted as black lines in white ones: seen on every ground. */
function outlined(masks, state) {
  const black = masks.map(({ track, ...rest }) => ({ track: { ...track, color: "#111318" }, ...rest }));
  return [black, { ...state, colorBy: "track", maskStyle: "outline", selection: masks.map(({ track }) => track.id) }];
}

/** The line with the names of both sides, and the choice between line, blinking and outlines. */
function createLine(store, { move, root: stage }) {
  const grip = el("div", { class: "ct-compare-line" }, el("span", { class: "ct-compare-grip" }));
  const sides = ["Model", "Now"].map((text) => el("span", { class: "ct-compare-side" }, text));
  const modes = choice(store, "compareMode", "How to compare", [
    { value: "split", text: "Line", title: "At either side of a line" },
    { value: "blink", text: "Blink", title: "One after the other" },
    { value: "over", text: "Outlines", title: "The model's outlines over the masks that are there now" },
  ]);
  const bar = el("div", { class: "ct-compare-bar" }, el("span", { class: "ct-faint" }, "Compare"), modes);
  const root = el("div", { class: "ct-compare", hidden: true }, grip, ...sides, bar);
  store.watch(["video", "compareWith"], ({ video, compareWith }) => {
    setText(sides[0], compareWith === null ? "Model" : runName(video?.runs ?? [], compareWith));
  });
  const follow = (event) => move(event.clientX - stage.getBoundingClientRect().left);
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    grip.addEventListener("pointermove", follow);
  });
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", follow));
  return {
    root,
    show({ compare, split, whole, over }) {
      root.hidden = !compare;
      grip.hidden = split === null;
      root.style.setProperty("--split", `${(split ?? (whole === "now" ? 0 : 1)) * 100}%`);
      sides[0].hidden = whole === "now";
      sides[1].hidden = whole === "model" || over;
      root.classList.toggle("ct-compare-whole", whole !== null || over);
    },
  };
}
