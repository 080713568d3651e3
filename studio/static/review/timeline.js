/* The timeline: one row per track with the spans in which it is present, a ruler with the marks of all moments, pictures
   along the video, and below an overview of the whole. In: the store. Out: scrubbing (go), selection (select), the chosen
   span, the view. Only what is visible is drawn, so length and number of tracks cost nothing; what changes while playing
   (current frame, span) lies on a canvas of its own. The parts are in timeline/. */

import { el, oncePerFrame } from "./dom.js";
import { createPatterns, readColors } from "./timeline/colors.js";
import { END, GUTTER, measure, placeAt, ROW } from "./timeline/geometry.js";
import { createGrip } from "./timeline/grip.js";
import { clustersOf, marksByTrack, marksOf } from "./timeline/marks.js";
import { Overview } from "./timeline/overview.js";
import { installPinch } from "./timeline/pinch.js";
import { installPointer } from "./timeline/pointer.js";
import { RowPixels } from "./timeline/row_pixels.js";
import { drawRows, rowsOf } from "./timeline/rows.js";
import { drawCursor, drawRuler, drawSpan, flagOf, hideLabels } from "./timeline/ruler.js";
import { around, clampRange, clamp, frameToX, reveal, zoomRange } from "./timeline/scale.js";
import { Strip } from "./timeline/strip.js";
import { Tip, valueText } from "./timeline/tip.js";

const CONTENT = ["tracks", "listed", "timeline", "verified", "timelinePreview", "confidence"];
const LOOKS = ["selected", "selection", "hovered", "hidden", "locked", "solo", "colorBy", "suggestion", "times"];

export class Timeline {
  #theme = null; // {colors, patterns}
  #seen = { videoId: null, length: 0 };
  #before = null; // the view that "whole timeline" goes back to
  #followed = 0; // the frame that was last brought into sight

  /** actions: {go(frame), select(track, how)} */
  constructor(store, actions) {
    Object.assign(this, { store, actions, range: { start: 0, end: 1 }, rows: [], marks: [], clusters: [] });
    this.byTrack = new Map();
    this.pixels = new RowPixels();
    this.base = el("canvas", { class: "ct-timeline-canvas" });
    this.top = el("canvas", { class: "ct-timeline-canvas" });
    this.spacer = el("div", { class: "ct-timeline-rows" });
    this.area = el(
      "div",
      { class: "ct-timeline-area", role: "slider", tabindex: 0, "aria-label": "Timeline", "aria-valuemin": 0 },
      this.spacer,
    );
    this.draw = oncePerFrame(() => this.drawNow());
    this.drawTop = oncePerFrame(() => this.drawTopNow());
    this.tip = new Tip(this);
    this.strip = new Strip(() => this.#fill());
    this.overview = new Overview({ show: (range) => this.show(range) });
    const view = el("div", { class: "ct-timeline-view" }, this.area, this.base, this.top);
    this.root = el("div", { class: "ct-timeline" }, view, this.overview.root, this.tip.root);
    this.root.prepend(createGrip(this.root));
    this.area.addEventListener("scroll", this.draw, { passive: true });
    installPinch(this);
    installPointer(this, { ...actions, open: (mark) => this.open(mark) });
    new ResizeObserver(() => this.#resize()).observe(this.area);
    this.#watch(store);
  }

  get width() {
    return Math.max(1, this.area.clientWidth - GUTTER - END);
  }

  get length() {
    return this.store.state.video?.length ?? 1;
  }

  /** Where an event lies: see placeAt. */
  placeOf(event) {
    const box = this.area.getBoundingClientRect();
    const place = placeAt(this.#geometry(), event.clientX - box.left, event.clientY - box.top);
    return { ...place, onScrollbar: event.clientX - box.left >= this.area.clientWidth };
  }

  /** Whether x on the time axis lies on the flag with the current frame's number. */
  onFlag(x) {
    const flag = flagOf(this.top.getContext("2d"), this.#scene());
    return x + GUTTER >= flag.left && x + GUTTER <= flag.left + flag.width;
  }

  clustersOf(track) {
    return clustersOf(this.byTrack.get(track) ?? [], this.range, this.width);
  }

  /** Shows this range of frames, {start, end}. */
  show(range) {
    this.range = clampRange(range, this.length);
    this.draw();
  }

  /** Zooms about x, by default about the current frame, or about the middle when that is out of sight. */
  zoom(factor, x = null) {
    const cursor = frameToX(this.store.state.want + 0.5, this.range, this.width);
    x ??= cursor >= 0 && cursor <= this.width ? cursor : this.width / 2;
    this.show(zoomRange(this.range, x, this.width, factor, this.length));
  }

  /** Shows the whole video; once more, the chosen span, or the view that was before. */
  fit() {
    const whole = { start: 0, end: this.length };
    const { span } = this.store.state;
    if (this.range.start > 0 || this.range.end < whole.end) {
      this.#before = this.range;
      this.show(whole);
    } else if (span) this.show(around(span, this.length));
    else if (this.#before) this.show(this.#before);
  }

  /** Goes to a moment or a comment: its frame, its track, and the queue shows it too. */
  open({ kind, id, frame, tracks }) {
    const known = tracks.find((track) => this.store.state.tracks.some((candidate) => candidate.id === track));
    if (known !== undefined) this.actions.select(known);
    this.store.set(kind === "suggestion" ? { suggestion: id } : { comment: id });
    this.actions.go(frame);
  }

  /** {colors, patterns}, as everything of the timeline is drawn with. */
  get theme() {
    return (this.#theme ??= this.#readTheme());
  }

  /** The theme changed: read the colours again. */
  recolor() {
    this.#theme = null;
    this.draw();
  }

  /** Draws everything at once. */
  drawNow() {
    const scene = this.#scene();
    const context = this.#clear(this.base, scene);
    if (!context) return;
    if (scene.state.video) {
      this.clusters = scene.clusters = clustersOf(this.marks, this.range, this.width);
      drawRows(context, scene);
      drawRuler(context, scene);
      this.strip.draw(context, scene);
    }
    this.drawTopNow();
  }

  /** Draws only what changes from frame to frame: the span and the current frame, above and in the overview. */
  drawTopNow() {
    const scene = this.#scene();
    const context = this.#clear(this.top, scene);
    if (scene.geometry.full) this.overview.draw({ ...scene, marks: this.marks });
    if (!context || !scene.state.video) return;
    hideLabels(context, scene);
    drawSpan(context, scene);
    drawCursor(context, scene);
  }

  #watch(store) {
    store.watch(["video"], ({ video }) => this.#open(video));
    store.watch(CONTENT, () => this.#fill());
    store.watch(["suggestions", "comments"], (state) => {
      this.marks = marksOf(state);
      this.byTrack = marksByTrack(this.marks);
      this.draw();
    });
    store.watch(["selected", "listed"], () => this.#revealRow());
    store.watch(["want", "video", "selected", "span", "timeline", "times"], (state) => this.#follow(state));
    store.watch(LOOKS, this.draw);
  }

  #open(video) {
    if (this.#seen.videoId !== video?.id || this.range.end > this.length || this.#wasWhole()) {
      this.#before = null;
      this.range = { start: 0, end: this.length };
    }
    if (this.#seen.videoId !== video?.id) this.strip.open(video ? this.stripAddress?.(video) ?? null : null, video ?? {});
    this.#seen = { videoId: video?.id, length: this.length };
    this.area.setAttribute("aria-valuemax", this.length - 1);
    this.#fill();
  }

  #wasWhole() {
    return this.range.start === 0 && this.range.end === this.#seen.length;
  }

  #fill() {
    this.rows = rowsOf(this.store.state);
    this.spacer.style.height = `${this.rows.length * ROW + this.#geometry().rowsTop}px`;
    this.draw();
  }

  #follow(state) {
    if (state.video && state.want !== this.#followed) {
      const shown = reveal(this.range, state.want, this.length);
      if (shown !== this.range) this.show(shown);
    }
    this.#followed = state.want;
    this.area.setAttribute("aria-valuenow", state.want);
    this.area.setAttribute("aria-valuetext", valueText(state));
    this.drawTop();
  }

  #revealRow() {
    const row = this.rows.findIndex((track) => track.id === this.store.state.selected);
    if (row < 0) return;
    const { scrollTop } = this.area;
    const room = this.#geometry().rowsHeight;
    this.area.scrollTop = clamp(scrollTop, (row + 1) * ROW - room, row * ROW);
  }

  #resize() {
    if (!this.area.clientWidth || !this.area.clientHeight) return;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.base, this.top]) {
      canvas.style.width = `${this.area.clientWidth}px`;
      canvas.style.height = `${this.area.clientHeight}px`;
      canvas.width = Math.round(this.area.clientWidth * ratio);
      canvas.height = Math.round(this.area.clientHeight * ratio);
    }
    this.drawNow();
  }

  #geometry() {
    const { clientWidth, clientHeight, scrollTop } = this.area;
    return measure(clientWidth, clientHeight, scrollTop, this.strip.available);
  }

  /** Everything the drawing functions look at. */
  #scene() {
    const { store, range, rows, byTrack, clusters, pixels } = this;
    const ratio = window.devicePixelRatio || 1;
    return { state: store.state, range, rows, clusters, pixels, marks: byTrack, ratio, geometry: this.#geometry(), ...this.theme };
  }

  #readTheme() {
    const colors = readColors(this.root);
    return { colors, patterns: createPatterns(this.base.getContext("2d"), colors) };
  }

  #clear(canvas, { ratio, geometry }) {
    if (!geometry.full || !canvas.width) return null;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, geometry.full, geometry.height);
    return context;
  }
}
