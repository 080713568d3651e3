/* Asks for another track: the next click on a mask, a row of the list or the timeline, or a digit of the numbered legend,
   whose numbers stand on the masks too.
   In: a sentence that asks, which tracks may be answered, further answers. Out: a promise of the answer, null for Escape and
   where the selection that the sentence is about has changed meanwhile. */

import { centerOfRuns } from "../display/center.js";
import { button, el } from "../dom.js";
import { trackName } from "./sentence.js";

const MOST = 9; // digits
const ORDER = 55; // above the tags
const RADIUS = 11; // px

export class Partner {
  #resolve = null;
  #release = null;
  #options = [];

  constructor({ store, session, commands, stage }) {
    Object.assign(this, { store, session, commands, stage });
    stage.addLayer({ order: ORDER, draw: (context, scene) => this.#resolve && this.#drawNumbers(context, scene) });
    this.before = () => {}; // sheets.js says here what ends when this asks
    store.watch(["selection"], () => this.close());
    this.root = el("div", { class: "ct-legend-sheet", role: "dialog", hidden: true });
  }

  /** extra: {text, value}, the answer to 0, such as a new track. without: ids that cannot be answered. */
  ask({ title, without, extra = null }) {
    this.close();
    this.before();
    const { tracks } = this.store.state;
    const ids = this.#nearest(without).slice(0, MOST);
    const colors = new Map(tracks.map(({ id, color }) => [id, color]));
    this.#options = ids.map((id, i) => ({ key: String(i + 1), value: id, text: trackName(tracks, id), color: colors.get(id) }));
    if (extra) this.#options.push({ key: "0", value: extra.value, text: extra.text });
    const items = this.#options.map((option) => this.#item(option));
    this.root.replaceChildren(
      el("h2", { class: "ct-sheet-title" }, title),
      el("div", { class: "ct-sheet-legend" }, items),
      el("p", { class: "ct-faint" }, "Press a number, or click a mask, a row of the list or the timeline. Esc: not at all."),
    );
    this.root.setAttribute("aria-label", title);
    this.root.hidden = false;
    this.#release = this.commands.ask((track) => {
      if (!without.includes(track)) this.#answer({ value: track });
    });
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.stage.draw();
    });
  }

  close() {
    this.#answer(null);
  }

  /** Takes digits and Escape while it asks. */
  key(event) {
    if (!this.#resolve || event.ctrlKey || event.altKey || event.metaKey) return false;
    const option = this.#options.find(({ key }) => key === event.key);
    if (option) this.#answer(option);
    else if (event.key === "Escape") this.close();
    else return false;
    return true;
  }

  #item(option) {
    const swatch = el("span", { class: "ct-swatch" });
    swatch.style.setProperty("--swatch", option.color ?? "transparent");
    const cap = el("kbd", { class: "ct-key-cap" }, option.key);
    const name = el("span", { class: "ct-ellipsis" }, option.text);
    const hover = (hovered) => () => this.store.set({ hovered });
    const over = typeof option.value === "number" ? { onpointerenter: hover(option.value), onpointerleave: hover(null) } : {};
    return button({ class: "ct-menu-item", onclick: () => this.#answer(option), ...over }, cap, swatch, name);
  }

  #answer(option) {
    const resolve = this.#resolve;
    if (!resolve) return;
    this.#resolve = null;
    this.#release();
    this.root.hidden = true;
    this.stage.draw();
    resolve(option);
  }

  #drawNumbers(context, { view, shown }) {
    const { video } = this.store.state;
    context.font = "700 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { key, value } of this.#options) {
      const entry = shown.entries?.find(({ track }) => track === value);
      const center = entry && centerOfRuns(entry.runs, video.height);
      if (!center) continue;
      const [x, y] = [view.x + center.x * view.scale, view.y + center.y * view.scale];
      context.fillStyle = "rgb(12 15 20 / 92%)";
      context.beginPath();
      context.arc(x, y, RADIUS, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = "#ffffff";
      context.fillText(key, x, y + 0.5);
    }
    context.textAlign = "left";
  }

  /** Tracks on show in this frame first, then the others in the order of the list. */
  #nearest(without) {
    const { tracks, want } = this.store.state;
    const here = new Set((this.session.masks?.peek(want) ?? []).map(({ track }) => track));
    const ids = tracks.map(({ id }) => id).filter((id) => !without.includes(id));
    return [...ids.filter((id) => here.has(id)), ...ids.filter((id) => !here.has(id))];
  }
}
