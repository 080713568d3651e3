/* The mouse or pen on the stage: pick a track, paint, erase, pan, zoom.
   In: pointer and wheel events. Out: calls to the stage (view) and to the given actions (select, stroke).
   Decides nothing about masks or saving; keys are in keys.js. */

import { EditLayer } from "./edit_layer.js";
import { el } from "./dom.js";
import { howToSelect } from "./keys.js";

const CLICK_SLACK = 4; // px a click may wander before it counts as a drag

export class Pointer {
  #gesture = null; // {move, end} of the drag under way
  #spaceHeld = false;
  #panned = false;

  /** actions: {select(track), strokeStart() -> {frame, track, runs, color} or null, strokeEnd(layer)} */
  constructor(stage, store, actions) {
    Object.assign(this, { stage, store, actions });
    this.tip = el("div", { class: "ct-brush-tip", hidden: true });
    stage.root.append(this.tip);
    this.lastEvent = null;
    const on = (name, handler, options) => stage.root.addEventListener(name, handler, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event));
    on("pointerleave", () => this.#leave());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("auxclick", (event) => event.preventDefault());
    store.watch(["tool", "brushSize", "view"], () => this.#showTip());
  }

  get painting() {
    return this.#gesture?.layer !== undefined;
  }

  get spaceHeld() {
    return this.#spaceHeld;
  }

  /** Space pans while held. Returns, on release, whether it was used for that. */
  holdSpace(held) {
    const used = this.#panned;
    if (held !== this.#spaceHeld) this.#panned = false;
    this.#spaceHeld = held;
    this.stage.root.classList.toggle("ct-pannable", held);
    this.#showTip();
    return used;
  }

  /** Ends a stroke where it is and hands it over, so that leaving the frame never loses it. */
  finishStroke() {
    if (this.painting) this.#finish();
  }

  #down(event) {
    if (this.#gesture || !this.store.state.video) return;
    if (event.button === 1 || (event.button === 0 && this.#spaceHeld)) this.#begin(event, this.#panGesture(event));
    else if (event.button === 0 && this.store.state.tool === "select") this.#begin(event, this.#pickGesture(event));
    else if (event.button === 0) this.#begin(event, this.#strokeGesture(event));
  }

  #begin(event, gesture) {
    if (!gesture) return;
    event.preventDefault();
    document.activeElement?.blur?.();
    this.stage.root.setPointerCapture(event.pointerId);
    this.#gesture = gesture;
  }

  #panGesture(start) {
    let last = start;
    this.stage.root.classList.add("ct-panning");
    this.#panned = true;
    return {
      move: (event) => {
        this.stage.pan(event.clientX - last.clientX, event.clientY - last.clientY);
        last = event;
      },
      end: () => this.stage.root.classList.remove("ct-panning"),
    };
  }

  /** A click picks the track under it; a drag moves the picture. */
  #pickGesture(start) {
    let pan = null;
    return {
      move: (event) => {
        const far = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_SLACK;
        if (!pan && far) pan = this.#panGesture(start);
        pan?.move(event);
      },
      end: (event) => {
        if (pan) pan.end();
        else if (event) this.actions.select(this.stage.trackAt(this.stage.sourceOf(event)), howToSelect(event));
      },
    };
  }

  #strokeGesture(start) {
    const target = this.actions.strokeStart();
    if (!target) return null;
    const { video, brushSize, tool } = this.store.state;
    const layer = new EditLayer({
      ...target, width: video.width, height: video.height, diameter: brushSize, erase: tool === "eraser",
    });
    layer.strokeTo(this.stage.sourceOf(start));
    this.stage.setEdit(layer);
    return {
      layer,
      move: (event) => {
        const steps = event.getCoalescedEvents?.() ?? [];
        for (const step of steps.length ? steps : [event]) layer.strokeTo(this.stage.sourceOf(step));
        this.stage.draw();
      },
      end: () => {
        this.stage.setEdit(null);
        this.actions.strokeEnd(layer);
      },
    };
  }

  #move(event) {
    this.lastEvent = event;
    this.#showTip();
    if (this.#gesture) this.#gesture.move(event);
    else if (this.store.state.video) {
      const picking = this.store.state.tool === "select";
      this.store.set({ hovered: picking ? this.stage.trackAt(this.stage.sourceOf(event)) : null });
    }
  }

  #up(event) {
    this.#finish(event);
  }

  #finish(event) {
    const gesture = this.#gesture;
    this.#gesture = null;
    gesture?.end(event);
  }

  #leave() {
    this.lastEvent = null;
    this.store.set({ hovered: null });
    this.#showTip();
  }

  #wheel(event) {
    if (!this.store.state.video) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.stage.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.stage.pointOf(event));
  }

  /** The round tip, drawn at the size it has on screen. */
  #showTip() {
    const { tool, brushSize, view, video } = this.store.state;
    const shown = this.lastEvent !== null && video && tool !== "select" && !this.#spaceHeld;
    this.tip.hidden = !shown;
    this.stage.root.dataset.tool = tool;
    if (!shown) return;
    const { x, y } = this.stage.pointOf(this.lastEvent);
    const size = Math.max(2, brushSize * view.scale);
    this.tip.style.width = this.tip.style.height = `${size}px`;
    this.tip.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
    this.tip.classList.toggle("ct-erasing", tool === "eraser");
  }
}
