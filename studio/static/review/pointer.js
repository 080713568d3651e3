/* Mouse, pen and fingers on the stage: hands them to the tool in use; pans, zooms and pinches by itself.
   In: pointer and wheel events, tools (addTool). Out: calls to the tool and to the stage's view.
   Decides nothing about masks; what the tools do is in tools/. */

import { keyName } from "./keys.js";
import { pinched } from "./viewport.js";

const TAKES_BACK = ["Escape", "Ctrl+Z"]; // keys that end a drag as if it had not begun
const TAP = 250; // ms: a second finger that comes this soon means a pinch, not the end of a stroke

export class Pointer {
  #tools = new Map();
  #gesture = null; // {move(point, event), end(point, event), cancel?()} of the drag under way
  #pointerId = null; // of that drag
  #began = 0;
  #moving = false; // whether it moves the picture instead of being a tool's
  #fingers = new Map(); // pointer id -> {x, y} on the stage
  #spaceHeld = false;
  #panned = false;

  constructor(stage, store) {
    Object.assign(this, { stage, store, lastEvent: null });
    const on = (name, handler, options) => stage.root.addEventListener(name, handler, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event, true));
    on("pointerleave", () => this.#leave());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("auxclick", (event) => event.preventDefault());
    store.watch(["tool"], () => this.#changeTool());
    store.watch(["view"], () => this.#point());
  }

  /** tool: {cursor, down(point, event) -> gesture or null, hover?(point, event), leave?(), key?(event) -> whether it took
   *  the key, wheel?(event) -> whether it took it, enter?(), exit?()}. Points are {x, y} in source pixels. A gesture is
   *  {move(point, event), end(point, event), cancel?()}; end gets null where the drag ends for another reason. */
  addTool(name, tool) {
    this.#tools.set(name, tool);
    if (this.store.state.tool === name) this.#changeTool();
  }

  get tool() {
    return this.#tools.get(this.store.state.tool) ?? null;
  }

  /** Whether a tool is being dragged. */
  get dragging() {
    return this.#gesture !== null;
  }

  get spaceHeld() {
    return this.#spaceHeld;
  }

  /** Where the pointer is, in source pixels; null when it is not over the stage. */
  get position() {
    return this.lastEvent && this.store.state.video ? this.stage.sourceOf(this.lastEvent) : null;
  }

  /** Space pans while held. Returns, on release, whether it was used for that. */
  holdSpace(held) {
    const used = this.#panned;
    if (held !== this.#spaceHeld) this.#panned = false;
    this.#spaceHeld = held;
    this.stage.root.classList.toggle("ct-pannable", held);
    this.#point();
    return used;
  }

  /** Offers a key to the tool in use, unless it takes back the drag under way. */
  key(event) {
    if (this.#gesture?.cancel && TAKES_BACK.includes(keyName(event))) {
      this.#cancel();
      return true;
    }
    return this.store.state.video ? (this.tool?.key?.(event) ?? false) : false;
  }

  /** Ends what a tool is doing where it is and hands it over, so that leaving the frame never loses it. */
  finishStroke() {
    if (this.#gesture && !this.#moving) this.#finish(null, null);
  }

  #down(event) {
    if (!this.store.state.video) return;
    if (event.pointerType === "touch") {
      this.#fingers.set(event.pointerId, this.stage.pointOf(event));
      if (this.#fingers.size > 1) return this.#startPinch(event);
    }
    if (this.#gesture) return undefined;
    if (event.button === 1 || (event.button === 0 && this.#spaceHeld)) return this.#begin(event, this.panGesture(event), true);
    if (event.button !== 0 && event.button !== 5) return undefined; // 5: the eraser end of a pen
    return this.#begin(event, this.tool?.down(this.stage.sourceOf(event), event) ?? null);
  }

  #begin(event, gesture, moving = false) {
    if (!gesture) return;
    event.preventDefault();
    document.activeElement?.blur?.();
    this.stage.root.setPointerCapture(event.pointerId);
    this.#gesture = gesture;
    this.#pointerId = event.pointerId;
    this.#began = event.timeStamp;
    this.#moving = moving;
  }

  /** A drag that moves the picture. */
  panGesture(start) {
    let last = start;
    this.stage.root.classList.add("ct-panning");
    this.#panned = true;
    return {
      move: (_, event) => {
        this.stage.pan(event.clientX - last.clientX, event.clientY - last.clientY);
        last = event;
      },
      end: () => this.stage.root.classList.remove("ct-panning"),
    };
  }

  /** Two fingers move and zoom the picture. What the first one has just begun was not meant. */
  #startPinch(event) {
    if (this.#gesture?.cancel && event.timeStamp - this.#began < TAP) this.#cancel();
    else if (this.#gesture) this.#finish(null, null);
    const view = { ...this.store.state.view };
    const ids = [...this.#fingers.keys()].slice(0, 2);
    const from = ids.map((id) => this.#fingers.get(id));
    const move = () => {
      const to = ids.map((id, i) => this.#fingers.get(id) ?? from[i]);
      this.stage.moveView(pinched(view, from, to));
    };
    this.#begin(event, { move, end: () => {} }, true);
  }

  #move(event) {
    this.lastEvent = event;
    const finger = this.#fingers.has(event.pointerId);
    if (finger) this.#fingers.set(event.pointerId, this.stage.pointOf(event));
    if (this.#gesture && (finger || event.pointerId === this.#pointerId)) {
      this.#gesture.move(this.stage.sourceOf(event), event);
    }
    this.#point();
  }

  #up(event, lost = false) {
    const pinching = this.#fingers.size > 1;
    this.#fingers.delete(event.pointerId);
    if (this.#gesture && (pinching || event.pointerId === this.#pointerId)) {
      if (lost) this.#finish(null, null);
      else this.#finish(this.stage.sourceOf(event), event);
    }
    if (event.pointerType === "touch") this.#leave();
  }

  #finish(point, event) {
    const gesture = this.#gesture;
    this.#gesture = null;
    gesture?.end(point, event);
  }

  #cancel() {
    const gesture = this.#gesture;
    this.#gesture = null;
    gesture.cancel();
  }

  #leave() {
    this.lastEvent = null;
    this.store.set({ hovered: null });
    this.tool?.leave?.();
  }

  #wheel(event) {
    if (!this.store.state.video) return;
    event.preventDefault();
    if (!event.ctrlKey && !this.#gesture && this.tool?.wheel?.(event)) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.stage.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.stage.pointOf(event));
  }

  #changeTool() {
    const next = this.tool;
    if (this.current !== next) {
      this.finishStroke();
      this.current?.leave?.();
      this.current?.exit?.();
      this.current = next;
      next?.enter?.();
    }
    this.stage.root.dataset.tool = this.store.state.tool;
    this.#point();
  }

  /** Tells the tool where the pointer is, and shows its cursor. */
  #point() {
    const { tool, position } = this;
    if (!tool) return;
    const { cursor = "default" } = tool;
    const shown = typeof cursor === "function" ? cursor(position) : cursor;
    this.stage.root.style.cursor = this.#spaceHeld || this.#moving ? "" : shown;
    if (!this.#gesture) this.#moving = false;
    if (!position) return;
    if (this.#spaceHeld) tool.leave?.();
    else if (tool.hover) tool.hover(position, this.lastEvent, this.#gesture !== null);
    else this.store.set({ hovered: null });
  }
}
