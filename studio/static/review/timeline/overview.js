/* The overview: the whole video in one bar, with the part that the timeline shows as a window to drag and to widen.
   In: scenes from the timeline. Out: another range (show). Height tells how many tracks are present; ticks are moments. */

import { el } from "../dom.js";
import { follow } from "./drag.js";
import { END, GUTTER } from "./geometry.js";
import { clampRange, frameToX, panRange, zoomRange } from "./scale.js";

const HEIGHT = 24;
const HANDLE = 6; // px beside an edge of the window in which it is widened
const NARROWEST = 10; // px, so that the window can always be taken

export class Overview {
  #density = null; // {timeline, columns, counts}

  /** actions: {show(range), drawAll()} */
  constructor(actions) {
    this.actions = actions;
    this.scene = null;
    this.root = el("canvas", {
      class: "ct-overview", role: "scrollbar", tabindex: 0, "aria-orientation": "horizontal", "aria-valuemin": 0,
      "aria-label": "Overview of the video: the part that the timeline shows",
    });
    this.root.addEventListener("pointerdown", (event) => this.#down(event));
    this.root.addEventListener("pointermove", (event) => this.#point(event));
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  draw(scene) {
    this.scene = scene;
    const { state, geometry, colors, ratio } = scene;
    const wide = Math.round(geometry.full * ratio);
    if (this.root.width !== wide || this.root.height !== HEIGHT * ratio) {
      this.root.width = wide;
      this.root.height = HEIGHT * ratio;
    }
    const context = this.root.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, geometry.full, HEIGHT);
    if (!state.video) return;
    this.#drawContent(context, scene);
    this.#drawWindow(context, colors);
    this.root.setAttribute("aria-valuemax", state.video.length - 1);
    this.root.setAttribute("aria-valuenow", Math.floor(scene.range.start));
    const last = Math.ceil(scene.range.end) - 1;
    this.root.setAttribute("aria-valuetext", `Frames ${Math.floor(scene.range.start)} to ${last} of ${state.video.length}`);
  }

  get whole() {
    return { start: 0, end: this.scene.state.video.length };
  }

  #x(frame) {
    return GUTTER + frameToX(frame, this.whole, this.scene.geometry.width);
  }

  #frame(event) {
    const x = event.clientX - this.root.getBoundingClientRect().left - GUTTER;
    return (x / this.scene.geometry.width) * this.whole.end;
  }

  #drawContent(context, { state, geometry, colors, marks }) {
    const { width } = geometry;
    context.fillStyle = colors.faint;
    context.font = colors.smallFont;
    context.textBaseline = "middle";
    context.fillText("Whole video", 12, HEIGHT / 2);
    context.fillStyle = colors.sunken;
    context.fillRect(GUTTER, 3, width, HEIGHT - 6);
    const counts = this.#counts(state, Math.round(width));
    const most = Math.max(1, ...counts);
    context.fillStyle = colors.tick;
    for (let x = 0, stop; x < counts.length; x = stop) {
      for (stop = x + 1; counts[stop] === counts[x]; stop++);
      const tall = (HEIGHT - 8) * (counts[x] / most);
      context.fillRect(GUTTER + x, HEIGHT - 4 - tall, stop - x, tall);
    }
    if (state.span) {
      context.fillStyle = colors.accent;
      context.globalAlpha = 0.35;
      context.fillRect(this.#x(state.span.start), 3, Math.max(2, this.#x(state.span.stop) - this.#x(state.span.start)), HEIGHT - 6);
      context.globalAlpha = 1;
    }
    for (const mark of marks) {
      context.fillStyle = mark.kind === "comment" ? colors.accent : colors.warning;
      context.fillRect(this.#x(mark.frame + 0.5) - 1, mark.kind === "comment" ? HEIGHT - 9 : 3, 2, 6);
    }
    context.fillStyle = colors.cursor;
    context.fillRect(this.#x(state.want + 0.5) - 0.75, 1, 1.5, HEIGHT - 2);
  }

  #drawWindow(context, colors) {
    const { left, right } = this.#window();
    context.fillStyle = colors.accent;
    context.globalAlpha = 0.12;
    context.fillRect(left, 2, right - left, HEIGHT - 4);
    context.globalAlpha = 1;
    context.strokeStyle = colors.accent;
    context.lineWidth = 1.5;
    context.beginPath();
    context.roundRect(left, 2, right - left, HEIGHT - 4, 4);
    context.stroke();
    for (const x of [left, right]) context.fillRect(x - 1.5, HEIGHT / 2 - 4, 3, 8);
  }

  #window() {
    const { range } = this.scene;
    const [left, right] = [this.#x(range.start), this.#x(range.end)];
    const lacking = Math.max(0, NARROWEST - (right - left)) / 2;
    return { left: left - lacking, right: right + lacking };
  }

  /** How many tracks are present in each column, counted once per timeline and width. */
  #counts({ timeline, video }, columns) {
    if (this.#density?.timeline === timeline && this.#density.columns === columns) return this.#density.counts;
    const changes = new Int32Array(columns + 1);
    const scale = columns / video.length;
    for (const spans of Object.values(timeline)) {
      for (const [start, stop] of spans) {
        const left = Math.min(columns - 1, Math.floor(start * scale));
        changes[left]++;
        changes[Math.max(left + 1, Math.min(columns, Math.round(stop * scale)))]--;
      }
    }
    let present = 0;
    const counts = Array.from({ length: columns }, (_, x) => (present += changes[x]));
    this.#density = { timeline, columns, counts };
    return counts;
  }

  #part(event) {
    const x = event.clientX - this.root.getBoundingClientRect().left;
    const { left, right } = this.#window();
    if (Math.abs(x - left) <= HANDLE) return "start";
    if (Math.abs(x - right) <= HANDLE) return "end";
    return x > left && x < right ? "window" : "outside";
  }

  #point(event) {
    if (!this.scene?.state.video || event.buttons) return;
    this.root.style.cursor = { start: "ew-resize", end: "ew-resize", window: "grab", outside: "pointer" }[this.#part(event)];
  }

  #down(event) {
    if (event.button !== 0 || !this.scene?.state.video) return;
    event.preventDefault();
    const { length } = this.scene.state.video;
    const part = this.#part(event);
    const from = this.#frame(event);
    let range = { ...this.scene.range };
    if (part === "outside") {
      range = panRange(range, from - (range.start + range.end) / 2, length);
      this.actions.show(range);
    }
    const move = (at) => {
      const by = this.#frame(at) - from;
      if (part === "start") this.actions.show(widened(range.start + by, range.end, length));
      else if (part === "end") this.actions.show(widened(range.start, range.end + by, length));
      else this.actions.show(panRange(range, by, length));
    };
    follow(this.root, event, move);
  }

  #key(event) {
    const { video } = this.scene?.state ?? {};
    if (!video || event.ctrlKey || event.altKey || event.metaKey) return;
    const { range, geometry } = this.scene;
    const step = (range.end - range.start) / (event.shiftKey ? 1 : 8);
    const next = {
      ArrowLeft: () => panRange(range, -step, video.length),
      ArrowRight: () => panRange(range, step, video.length),
      "+": () => zoomRange(range, geometry.width / 2, geometry.width, 1.5, video.length),
      "-": () => zoomRange(range, geometry.width / 2, geometry.width, 1 / 1.5, video.length),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    this.actions.show(next());
  }

  #wheel(event) {
    const { video } = this.scene?.state ?? {};
    if (!video) return;
    event.preventDefault();
    const { range } = this.scene;
    const pixels = event.deltaX || event.deltaY;
    this.actions.show(panRange(range, (pixels / 200) * (range.end - range.start) * 0.25, video.length));
  }
}

const FEWEST = 8; // frames

function widened(start, end, length) {
  const [low, high] = start < end ? [start, end] : [end, start];
  const range = { start: Math.max(0, low), end: Math.min(length, high) };
  const lacking = Math.max(0, Math.min(FEWEST, length) - (range.end - range.start)) / 2;
  return clampRange({ start: range.start - lacking, end: range.end + lacking }, length);
}
