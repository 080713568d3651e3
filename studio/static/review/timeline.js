/* The timeline: one row per track with the spans in which it is present, a ruler, and the current frame.
   In: tracks, spans, frame, selection. Out: scrubbing (go), selection (select). Only what is visible is drawn, so
   length and number of tracks cost nothing. Ctrl+wheel zooms, wheel scrolls the rows, shift+wheel the frames. */

import { el, oncePerFrame } from "./dom.js";
import { howToSelect } from "./keys.js";
import { frameToX, panRange, reveal, ticks, timecode, visibleSpans, xToFrame, zoomRange } from "./timeline_scale.js";

const GUTTER = 148; // px for the tracks' names
const RULER = 28;
const ROW = 22;
const BAR = 10;
const END = 12; // px free at the right end
const LABEL_ROOM = 92;

export class Timeline {
  #colors = null;
  #seen = { videoId: null, length: 0 };

  /** actions: {go(frame), select(track)} */
  constructor(store, actions) {
    Object.assign(this, { store, actions });
    this.range = { start: 0, end: 1 };
    this.canvas = el("canvas", { class: "ct-timeline-canvas" });
    this.spacer = el("div", { class: "ct-timeline-rows" });
    this.root = el(
      "div",
      { class: "ct-timeline", role: "slider", tabindex: 0, "aria-label": "Timeline", "aria-valuemin": 0 },
      this.canvas,
      this.spacer,
    );
    this.draw = oncePerFrame(() => this.#drawNow());
    this.root.addEventListener("scroll", this.draw, { passive: true });
    this.root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.#down(event));
    new ResizeObserver(() => this.#resize()).observe(this.root);
    store.watch(["video", "tracks", "timeline"], () => this.#fitContent());
    store.watch(["selected"], () => this.#revealRow());
    store.watch(["want", "frame"], () => this.#follow());
    store.watch(["hovered", "hidden", "solo"], this.draw);
  }

  get width() {
    return Math.max(1, this.root.clientWidth - GUTTER - END);
  }

  /** Zooms about x, by default about the current frame, or about the middle when that is out of sight. */
  zoom(factor, x = null) {
    const { video, want } = this.store.state;
    if (!video) return;
    const cursor = frameToX(want + 0.5, this.range, this.width);
    x ??= cursor >= 0 && cursor <= this.width ? cursor : this.width / 2;
    this.range = zoomRange(this.range, x, this.width, factor, video.length);
    this.draw();
  }

  fit() {
    this.range = { start: 0, end: Math.max(1, this.store.state.video?.length ?? 1) };
    this.draw();
  }

  /** The theme changed: read the colours again. */
  recolor() {
    this.#colors = null;
    this.draw();
  }

  #fitContent() {
    const { video, tracks } = this.store.state;
    const length = video?.length ?? 1;
    if (this.#seen.videoId !== video?.id || this.range.end > length) this.fit();
    this.#seen = { videoId: video?.id, length };
    this.root.setAttribute("aria-valuemax", length - 1);
    this.spacer.style.height = `${tracks.length * ROW + RULER}px`;
    this.draw();
  }

  #follow() {
    const { video, want } = this.store.state;
    if (video) this.range = reveal(this.range, want, video.length);
    this.root.setAttribute("aria-valuenow", want);
    this.root.setAttribute("aria-valuetext", `Frame ${want}`);
    this.draw();
  }

  #revealRow() {
    const { tracks, selected } = this.store.state;
    const row = tracks.findIndex((track) => track.id === selected);
    if (row >= 0) {
      const room = this.root.clientHeight - RULER;
      const top = row * ROW;
      if (top < this.root.scrollTop) this.root.scrollTop = top;
      else if (top + ROW > this.root.scrollTop + room) this.root.scrollTop = top + ROW - room;
    }
    this.draw();
  }

  #wheel(event) {
    const { video } = this.store.state;
    if (!video) return;
    if (event.ctrlKey) {
      event.preventDefault();
      const x = event.clientX - this.canvas.getBoundingClientRect().left - GUTTER;
      this.zoom(Math.exp(-event.deltaY * 0.003), Math.max(0, Math.min(this.width, x)));
    } else if (event.shiftKey || event.deltaX) {
      event.preventDefault();
      const pixels = event.deltaX || event.deltaY;
      this.range = panRange(this.range, (pixels / this.width) * (this.range.end - this.range.start), video.length);
      this.draw();
    }
  }

  #down(event) {
    const { video, tracks } = this.store.state;
    if (event.button !== 0 || !video) return;
    const box = this.canvas.getBoundingClientRect();
    const y = event.clientY - box.top;
    const row = Math.floor((y - RULER + this.root.scrollTop) / ROW);
    if (y > RULER && tracks[row]) this.actions.select(tracks[row].id, howToSelect(event));
    if (event.clientX - box.left < GUTTER) return;
    const scrub = (at) => this.actions.go(xToFrame(at.clientX - box.left - GUTTER, this.range, this.width, video.length));
    const end = () => {
      this.canvas.removeEventListener("pointermove", scrub);
      this.canvas.removeEventListener("pointerup", end);
      this.canvas.removeEventListener("pointercancel", end);
    };
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointermove", scrub);
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
    scrub(event);
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.root;
    if (!clientWidth || !clientHeight) return;
    this.canvas.style.width = `${clientWidth}px`;
    this.canvas.style.height = `${clientHeight}px`;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.#drawNow();
  }

  #drawNow() {
    const { clientWidth: width, clientHeight: height, scrollTop } = this.root;
    const { video, tracks, want } = this.store.state;
    if (!width || !this.canvas.width) return;
    this.#colors ??= readColors(this.root);
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!video) return;
    const first = Math.floor(scrollTop / ROW);
    const last = Math.min(tracks.length, Math.ceil((scrollTop + height - RULER) / ROW));
    for (let row = first; row < last; row++) this.#drawRow(context, tracks[row], RULER + row * ROW - scrollTop);
    const flag = this.#cursorFlag(context, want);
    this.#drawRuler(context, flag);
    this.#drawCursor(context, want, flag);
  }

  #drawRow(context, track, top) {
    const colors = this.#colors;
    const { selected, hovered, hidden, solo, timeline } = this.store.state;
    const full = GUTTER + this.width + END;
    if (track.id === selected || track.id === hovered) {
      context.fillStyle = track.id === selected ? colors.selected : colors.hover;
      context.fillRect(0, top, full, ROW);
    }
    context.fillStyle = colors.line;
    context.fillRect(0, top + ROW - 1, full, 1);

    const faint = solo === null ? hidden.has(track.id) : track.id !== solo;
    context.globalAlpha = faint ? 0.35 : 1;
    context.fillStyle = track.color;
    context.beginPath();
    context.roundRect(12, top + 6, 10, 10, 2.5);
    context.fill();
    context.font = colors.font;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillStyle = colors.text;
    const name = [track.id, track.category].filter((part) => part !== null && part !== undefined).join("  ");
    context.fillText(shorten(context, name, GUTTER - 40), 30, top + ROW / 2);
    this.#drawSpans(context, track, timeline[track.id] ?? [], top, faint);
    context.globalAlpha = 1;
  }

  /** The model's spans are pale bars; what a person corrected is solid and underlined. */
  #drawSpans(context, track, spans, top, faint) {
    const { range, width } = this;
    context.save();
    context.beginPath();
    context.rect(GUTTER, top, width + END, ROW);
    context.clip();
    context.fillStyle = track.color;
    let drawnTo = -Infinity;
    for (const [start, end, source] of visibleSpans(spans, range)) {
      const left = GUTTER + frameToX(start, range, width);
      const right = Math.max(left + 1.5, GUTTER + frameToX(end, range, width));
      const corrected = source === "user";
      if (right <= drawnTo && !corrected) continue;
      drawnTo = right;
      context.globalAlpha = (faint ? 0.35 : 1) * (corrected ? 1 : 0.5);
      const y = top + (ROW - 1 - BAR) / 2;
      context.fillRect(left, y, right - left, BAR);
      if (corrected) {
        context.fillStyle = this.#colors.text;
        context.fillRect(left, y + BAR, right - left, 2);
        context.fillStyle = track.color;
      }
    }
    context.restore();
  }

  /** Where the number of the current frame stands on the ruler: {x, width, text}. */
  #cursorFlag(context, frame) {
    context.font = this.#colors.font;
    const text = String(frame);
    const width = context.measureText(text).width + 12;
    const middle = GUTTER + frameToX(frame + 0.5, this.range, this.width);
    return { text, width, x: Math.max(GUTTER, Math.min(GUTTER + this.width + END - width, middle - width / 2)) };
  }

  #drawRuler(context, flag) {
    const colors = this.#colors;
    const { range, width } = this;
    context.fillStyle = colors.surface;
    context.fillRect(0, 0, GUTTER + width + END, RULER);
    context.fillStyle = colors.border;
    context.fillRect(0, RULER - 1, GUTTER + width + END, 1);
    context.font = colors.smallFont;
    context.textBaseline = "middle";
    const { step, minor } = ticks(range, width, LABEL_ROOM);
    for (let frame = Math.ceil(range.start / minor) * minor; frame < range.end; frame += minor) {
      const x = GUTTER + frameToX(frame, range, width);
      const major = frame % step === 0;
      context.fillStyle = colors.tick;
      context.fillRect(Math.round(x), RULER - (major ? 9 : 5), 1, major ? 8 : 4);
      if (major) this.#drawMark(context, frame, x + 4, flag);
    }
    context.fillStyle = colors.surface;
    context.fillRect(0, 0, GUTTER - 1, RULER - 1);
    context.fillStyle = colors.faint;
    context.fillText("Frame", 12, RULER / 2);
  }

  /** Number and time of a frame on the ruler, each left out where the current frame's number stands. */
  #drawMark(context, frame, x, flag) {
    const { text, faint } = this.#colors;
    let left = x;
    for (const [words, color] of [[String(frame), text], [timecode(frame, this.store.state.video.fps), faint]]) {
      const width = context.measureText(words).width;
      context.fillStyle = color;
      if (left > flag.x + flag.width || left + width < flag.x) context.fillText(words, left, RULER / 2 - 1);
      left += width + 6;
    }
  }

  #drawCursor(context, frame, flag) {
    const left = GUTTER + frameToX(frame, this.range, this.width);
    const right = GUTTER + frameToX(frame + 1, this.range, this.width);
    if (right < GUTTER || left > GUTTER + this.width + END) return;
    const { cursor, font } = this.#colors;
    const middle = Math.round((left + right) / 2);
    if (right - left > 3) {
      context.globalAlpha = 0.16;
      context.fillStyle = cursor;
      context.fillRect(left, RULER, right - left, this.root.clientHeight - RULER);
      context.globalAlpha = 1;
    }
    context.fillStyle = cursor;
    context.fillRect(middle - 0.5, RULER - 4, 1, this.root.clientHeight - RULER + 4);
    context.font = font;
    context.beginPath();
    context.roundRect(flag.x, 4, flag.width, 18, 4);
    context.fill();
    context.fillStyle = this.#colors.surface;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(flag.text, flag.x + flag.width / 2, 13.5);
    context.textAlign = "left";
  }
}

function readColors(element) {
  const style = getComputedStyle(element);
  const color = (name) => style.getPropertyValue(`--ct-${name}`).trim();
  const family = style.fontFamily;
  return {
    text: color("text"), faint: color("text-faint"), surface: color("surface"), border: color("border"),
    line: color("row-line"), selected: color("row-selected"), hover: color("hover"), tick: color("tick"),
    cursor: color("cursor"), font: `500 12px ${family}`, smallFont: `11px ${family}`,
  };
}

/** The text cut with an ellipsis to fit into `room` pixels. */
function shorten(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
