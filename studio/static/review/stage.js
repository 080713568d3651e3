/* The stage: the frame on one canvas, masks and name tags on a second one above it.
   In: a decoded frame with its mask entries, the view, what is selected and hidden. Out: pixels, and hit tests.
   Draws at most once per animation frame; fetches nothing and changes no mask. */

import { el, oncePerFrame } from "./dom.js";
import { drawLabels, labelText, overlap } from "./labels.js";
import { covers } from "./mask.js";
import { SpriteCache } from "./sprite.js";
import { fitView, keepVisible, panBy, toScreen, toSource, zoomAt, centred } from "./viewport.js";

const LABEL_FONT = '600 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const SMOOTH_BELOW = 2; // from this zoom on source pixels are shown as squares

export class Stage {
  #sprites = new SpriteCache();
  #shown = null; // {frame, picture, entries}
  #fitted = true;
  #edit = null;

  constructor(store) {
    this.store = store;
    this.frameCanvas = el("canvas", { class: "ct-stage-canvas" });
    this.overlayCanvas = el("canvas", { class: "ct-stage-canvas" });
    this.root = el("div", { class: "ct-stage" }, this.frameCanvas, this.overlayCanvas);
    this.size = { width: 0, height: 0 };
    this.draw = oncePerFrame(() => this.drawNow());
    new ResizeObserver(() => this.#resize()).observe(this.root);
    store.watch(
      ["tracks", "selected", "hovered", "hidden", "solo", "opacity", "showMasks", "showLabels", "view"],
      () => this.draw(),
    );
  }

  get picture() {
    const { video } = this.store.state;
    return video ? { width: video.width, height: video.height } : null;
  }

  get visible() {
    return this.root.offsetParent !== null;
  }

  /** Shows a frame with its masks at once. */
  show(frame, picture, entries) {
    this.#shown = { frame, picture, entries };
    this.drawNow();
  }

  /** Replaces the masks of the frame on show. */
  showMasks(frame, entries) {
    if (this.#shown?.frame !== frame) return;
    this.#shown.entries = entries;
    this.draw();
  }

  clear() {
    this.#shown = null;
    this.#edit = null;
    this.#sprites.clear();
    this.draw();
  }

  setEdit(layer) {
    this.#edit = layer;
    this.draw();
  }

  fit() {
    this.#fitted = true;
    if (this.picture && this.size.width) this.#setView(fitView(this.picture, this.size));
  }

  /** One source pixel on one CSS pixel, about the middle of the stage. */
  actualSize() {
    this.#fitted = false;
    this.#setView(centred(1, this.picture, this.size));
  }

  zoom(factor, point = { x: this.size.width / 2, y: this.size.height / 2 }) {
    this.#fitted = false;
    this.#setView(keepVisible(zoomAt(this.store.state.view, point, factor), this.picture, this.size));
  }

  pan(dx, dy) {
    this.#fitted = false;
    this.#setView(keepVisible(panBy(this.store.state.view, dx, dy), this.picture, this.size));
  }

  /** Pointer position -> {x, y} on the stage in CSS pixels. */
  pointOf(event) {
    const box = this.root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  sourceOf(event) {
    return toSource(this.store.state.view, this.pointOf(event));
  }

  /** The track whose mask covers the source point, the smallest first; null where there is none. */
  trackAt(point) {
    const hits = this.#visibleMasks().filter(({ sprite }) => sprite.crop && covers(sprite.crop, point.x, point.y));
    const area = ({ sprite }) => sprite.crop.width * sprite.crop.height;
    return hits.sort((a, b) => area(a) - area(b))[0]?.track.id ?? null;
  }

  drawNow() {
    const { view, video } = this.store.state;
    if (!this.size.width) return;
    const ratio = window.devicePixelRatio || 1;
    const frame = this.frameCanvas.getContext("2d");
    const overlay = this.overlayCanvas.getContext("2d");
    for (const context of [frame, overlay]) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, this.size.width, this.size.height);
    }
    if (!this.#shown || !video) return;
    frame.imageSmoothingEnabled = view.scale < SMOOTH_BELOW;
    frame.imageSmoothingQuality = "medium";
    frame.drawImage(this.#shown.picture, view.x, view.y, video.width * view.scale, video.height * view.scale);
    this.#drawMasks(overlay, ratio);
  }

  #drawMasks(context, ratio) {
    const { view, selected, hovered, opacity, showMasks, showLabels } = this.store.state;
    if (!showMasks) return;
    const masks = this.#visibleMasks();
    const emphasis = ({ track }) => (track.id === selected ? 2 : track.id === hovered ? 1 : 0);
    masks.sort((a, b) => emphasis(a) - emphasis(b));

    context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
    context.imageSmoothingEnabled = false;
    for (const mask of masks) this.#drawMask(context, mask, emphasis(mask));
    if (this.#editShown()) {
      context.globalAlpha = Math.max(opacity, 0.35);
      context.drawImage(this.#edit.canvas, 0, 0);
      context.globalAlpha = 1;
    }

    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!showLabels && !hovered) return;
    const tags = masks
      .filter(({ track, sprite }) => sprite.crop && (showLabels || track.id === hovered))
      .map((mask) => this.#tag(mask, emphasis(mask) > 0))
      .filter(({ box }) => overlap(box, { x: 0, y: 0, ...this.size }));
    drawLabels(context, tags, this.size, LABEL_FONT);
  }

  #drawMask(context, { track, sprite }, emphasis) {
    const { view, opacity } = this.store.state;
    if (!sprite.canvas) return;
    context.globalAlpha = Math.min(1, opacity + (emphasis === 1 ? 0.15 : 0));
    context.drawImage(sprite.canvas, sprite.crop.x, sprite.crop.y);
    context.globalAlpha = 1;
    if (emphasis === 2) {
      context.strokeStyle = "rgb(255 255 255 / 90%)";
      context.lineWidth = 3.5 / view.scale;
      context.stroke(sprite.path);
    }
    context.strokeStyle = track.color;
    context.lineWidth = (emphasis ? 2 : 1.25) / view.scale;
    context.stroke(sprite.path);
  }

  #tag({ track, entry, sprite }, strong) {
    const { view } = this.store.state;
    const corner = toScreen(view, sprite.crop);
    const box = { ...corner, width: sprite.crop.width * view.scale, height: sprite.crop.height * view.scale };
    return { text: labelText(track, entry), color: track.color, box, strong };
  }

  /** Masks on show: of known tracks that are neither hidden nor being painted right now. */
  #visibleMasks() {
    const { tracks, hidden, solo } = this.store.state;
    if (!this.#shown) return [];
    const byId = new Map(tracks.map((track) => [track.id, track]));
    return (this.#shown.entries ?? [])
      .filter((entry) => byId.has(entry.track) && (solo === null ? !hidden.has(entry.track) : entry.track === solo))
      .filter((entry) => !(this.#editShown() && entry.track === this.#edit.track))
      .map((entry) => {
        const track = byId.get(entry.track);
        return { track, entry, sprite: this.#sprites.get(entry, track.color) };
      });
  }

  #editShown() {
    return this.#edit !== null && this.#edit.frame === this.#shown?.frame;
  }

  #setView(view) {
    this.store.set({ view });
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.size = { width, height };
    for (const canvas of [this.frameCanvas, this.overlayCanvas]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    if (this.#fitted) this.fit();
    this.drawNow();
  }
}
