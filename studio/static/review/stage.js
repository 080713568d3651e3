/* The stage: the frame on one canvas; masks and all that lies over them on a second one.
   In: a decoded frame with its mask entries, the view, what is selected and hidden. Out: pixels, and hit tests.
   Layers of other parts are drawn in their order. Draws at most once per animation frame; fetches nothing, changes no mask. */

import { drawMasks, drawTags } from "./display/mask_layer.js";
import { ShapeCache } from "./display/shapes.js";
import { el, oncePerFrame } from "./dom.js";
import { covers } from "./mask.js";
import { centred, fitView, keepVisible, panBy, snapped, toSource, zoomAt } from "./viewport.js";

const SMOOTH_BELOW = 2; // from this zoom on source pixels are shown as squares

/** Where the stage's own layers stand; those of others go between or above them. */
export const ORDER = { masks: 0, edit: 10, trails: 20, candidates: 30, tags: 40, handles: 50, pins: 60 };

const LOOKS = [
  "tracks", "selected", "selection", "hovered", "hidden", "locked", "solo", "opacity", "showMasks", "showLabels",
  "maskStyle", "colorBy",
];

export class Stage {
  #shapes = new ShapeCache();
  #shown = null; // {frame, picture, entries}
  #fitted = true;
  #edit = null;
  #layers = [];
  #frameOutdated = true;

  constructor(store) {
    this.store = store;
    this.frameCanvas = el("canvas", { class: "ct-stage-canvas" });
    this.overlayCanvas = el("canvas", { class: "ct-stage-canvas" });
    this.root = el("div", { class: "ct-stage" }, this.frameCanvas, this.overlayCanvas);
    this.size = { width: 0, height: 0 };
    this.moved = null; // {entries, dx, dy, scale}: masks that are being dragged (tools/transform.js)
    this.draw = oncePerFrame(() => this.#drawOutdated());
    this.paintMasks = drawMasks; // what draws a list of masks; compare.js puts itself before it
    this.addLayer({ order: ORDER.masks, draw: (...given) => this.#drawMasks(...given) });
    this.addLayer({ order: ORDER.edit, draw: (context, { view }) => this.drawEdit(context, view) });
    this.addLayer({ order: ORDER.tags, draw: (...given) => this.#drawTags(...given) });
    new ResizeObserver((changes) => this.#resize(changes[0])).observe(this.root);
    store.watch(LOOKS, () => this.draw());
    store.watch(["view"], () => {
      this.#frameOutdated = true;
      this.draw();
    });
  }

  get picture() {
    const { video } = this.store.state;
    return video ? { width: video.width, height: video.height } : null;
  }

  get visible() {
    return this.root.offsetParent !== null;
  }

  /** {frame, picture, entries} on show, or null. */
  get shown() {
    return this.#shown;
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  /** Adds {order, draw(context, {view, size, shown, ratio})}, called while a frame is on show with the context in CSS
   *  pixels. Returns a function that removes it. */
  addLayer(layer) {
    this.#layers = [...this.#layers, layer].sort((a, b) => a.order - b.order);
    this.draw();
    return () => {
      this.#layers = this.#layers.filter((other) => other !== layer);
      this.draw();
    };
  }

  /** Shows a frame with its masks at once. */
  show(frame, picture, entries) {
    this.#shown = { frame, picture, entries };
    this.drawNow();
  }

  /** Replaces the masks of the frame on show. */
  showMasks(frame, entries) {
    if (this.#shown?.frame !== frame) return;
    this.#shown = { ...this.#shown, entries };
    this.draw();
  }

  clear() {
    this.#shown = null;
    this.#edit = null;
    this.#shapes.clear();
    this.#frameOutdated = true;
    this.draw();
  }

  /** The mask that is being painted (edit_layer.js), shown in place of the saved one; null: none. */
  setEdit(layer) {
    this.#edit = layer;
    this.draw();
  }

  fit() {
    this.#fitted = true;
    if (this.picture && this.size.width) this.setView(fitView(this.picture, this.size));
  }

  /** One source pixel on one CSS pixel, about the middle of the stage. */
  actualSize() {
    this.#fitted = false;
    this.setView(centred(1, this.picture, this.size));
  }

  zoom(factor, point = { x: this.size.width / 2, y: this.size.height / 2 }) {
    this.moveView(zoomAt(this.store.state.view, point, factor));
  }

  pan(dx, dy) {
    this.moveView(panBy(this.store.state.view, dx, dy));
  }

  /** A view that a person chose; part of the picture stays on the stage. */
  moveView(view) {
    this.#fitted = false;
    this.setView(keepVisible(view, this.picture, this.size));
  }

  setView(view) {
    this.store.set({ view: snapped(view, this.ratio) });
  }

  /** Pointer position -> {x, y} on the stage in CSS pixels. */
  pointOf(event) {
    const box = this.root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  sourceOf(event) {
    return toSource(this.store.state.view, this.pointOf(event));
  }

  /** The track whose mask covers the source point, the smallest first; null where there is none. Locked ones let through. */
  trackAt(point) {
    const { showMasks, locked } = this.store.state;
    if (!showMasks) return null;
    const hits = this.visibleMasks().filter(
      ({ track, shape }) => !locked?.has(track.id) && shape.crop && covers(shape.crop, point.x, point.y),
    );
    const area = ({ shape }) => shape.crop.width * shape.crop.height;
    return hits.sort((a, b) => area(a) - area(b))[0]?.track.id ?? null;
  }

  /** Masks on show, [{track, entry, shape}]: of known tracks that are neither hidden nor being painted right now. */
  visibleMasks() {
    const { tracks, hidden, solo } = this.store.state;
    if (!this.#shown) return [];
    const byId = new Map(tracks.map((track) => [track.id, track]));
    return (this.#shown.entries ?? [])
      .filter(({ track }) => byId.has(track) && (solo === null ? !hidden.has(track) : track === solo))
      .filter(({ track }) => !(this.#editShown() && track === this.#edit.track))
      .map((entry) => ({ track: byId.get(entry.track), entry, shape: this.shapeOf(entry) }));
  }

  shapeOf(entry) {
    return this.#shapes.get(entry);
  }

  drawNow() {
    this.#frameOutdated = true;
    this.#drawOutdated();
  }

  #drawOutdated() {
    if (!this.size.width) return;
    if (this.#frameOutdated) this.#drawFrame();
    this.#drawLayers();
  }

  #drawFrame() {
    this.#frameOutdated = false;
    const { view, video } = this.store.state;
    const context = this.#cleared(this.frameCanvas);
    if (!this.#shown || !video) return;
    context.imageSmoothingEnabled = Math.round(view.scale * 100) < 100 * SMOOTH_BELOW; // as the zoom is written
    context.imageSmoothingQuality = "medium";
    context.drawImage(this.#shown.picture, view.x, view.y, video.width * view.scale, video.height * view.scale);
  }

  #drawLayers() {
    const { view, video } = this.store.state;
    const context = this.#cleared(this.overlayCanvas);
    if (!this.#shown || !video) return;
    const scene = { view, size: this.size, shown: this.#shown, ratio: this.ratio, moved: this.moved };
    for (const layer of this.#layers) {
      context.save();
      layer.draw(context, scene);
      context.restore();
    }
  }

  #cleared(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.size.width, this.size.height);
    return context;
  }

  #drawMasks(context, scene) {
    const { state } = this.store;
    if (state.showMasks) this.paintMasks(context, this.visibleMasks(), state, scene);
  }

  #drawTags(context, scene) {
    const { state } = this.store;
    if (state.showMasks) drawTags(context, this.visibleMasks(), state, scene);
  }

  /** Draws the mask that is being painted, if there is one. */
  drawEdit(context, view) {
    if (this.#editShown()) this.#edit.draw(context, view, Math.max(this.store.state.opacity, 0.35));
  }

  #editShown() {
    return this.#edit !== null && this.#edit.frame === this.#shown?.frame;
  }

  /** A length in pixels of the screen: as the browser has measured it, if that is not of another zoom. */
  #pixels(length, measured) {
    const about = Math.round(length * this.ratio);
    return Math.abs(measured - about) <= this.ratio ? measured : about;
  }

  /** Makes the canvases as large as the screen's pixels that they cover, so that nothing is scaled in between. */
  #resize(change) {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !height) return;
    const exact = change?.devicePixelContentBoxSize?.[0];
    this.size = { width, height };
    for (const canvas of [this.frameCanvas, this.overlayCanvas]) {
      canvas.width = this.#pixels(width, exact?.inlineSize);
      canvas.height = this.#pixels(height, exact?.blockSize);
      canvas.style.width = `${canvas.width / this.ratio}px`;
      canvas.style.height = `${canvas.height / this.ratio}px`;
    }
    if (this.#fitted) this.fit();
    this.drawNow();
  }
}
