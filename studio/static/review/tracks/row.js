/* One row of the track list: picture, colour, number, category, score, masks, state; lock, show alone, hide.
   In: a track, the state. Out: an element; `fillRow` brings it up to date. */

import { button, el, setText } from "../dom.js";
import { icon } from "../icons.js";
import { howToSelect } from "../keys.js";
import { spanAt } from "../timeline/spans.js";
import { trackColor } from "./color.js";

const MARKS = { verified: ["check", "verified"], partly: ["pencil", "partly verified"], suspicious: ["alert", "suspicious"] };

/** actions: {select, toggleHidden, toggleSolo, toggleLocked, hover(track or null)} */
export function createRow(id, actions) {
  const swatch = el("span", { class: "ct-swatch" });
  const picture = el("img", { class: "ct-track-picture", alt: "", draggable: "false" });
  const name = el("span", { class: "ct-track-name" });
  const facts = el("span", { class: "ct-track-facts" });
  const mark = el("span", { class: "ct-track-mark" });
  const main = button(
    { class: "ct-track-main", onclick: (event) => actions.select(id, howToSelect(event)) },
    el("span", { class: "ct-track-frame" }, picture),
    swatch,
    el(
      "span",
      { class: "ct-track-words" },
      el("span", { class: "ct-track-line" }, el("span", { class: "ct-track-id" }, String(id)), name, mark),
      facts,
    ),
  );
  const lock = rowButton("unlock", () => actions.toggleLocked(id));
  const solo = rowButton("solo", () => actions.toggleSolo(id), `Show only track ${id}`);
  const eye = rowButton("eye", () => actions.toggleHidden(id));
  const root = el(
    "li",
    {
      class: "ct-track", "data-track": id,
      onpointerenter: () => actions.hover(id), onpointerleave: () => actions.hover(null),
    },
    main,
    el("div", { class: "ct-track-buttons" }, lock, solo, eye),
  );
  picture.addEventListener("error", () => (picture.hidden = true));
  return { root, main, swatch, picture, name, facts, mark, lock, solo, eye };
}

/** review: the track's state of review, see choice.js. */
export function fillRow(row, track, state, review) {
  const { hidden, solo, locked, selected, selection, hovered } = state;
  const { id } = track;
  setText(row.name, track.category ?? "no category");
  setText(row.facts, factsOf(track));
  row.swatch.style.setProperty("--swatch", trackColor(track, state));
  showMark(row.mark, review);
  const on = (name, value) => row.root.classList.toggle(name, value);
  on("ct-selected", selected === id || Boolean(selection?.includes(id)));
  on("ct-primary-track", selected === id);
  on("ct-hovered", hovered === id);
  on("ct-hidden-track", solo === null ? hidden.has(id) : solo !== id);
  on("ct-locked-track", Boolean(locked?.has(id)));
  row.main.setAttribute("aria-pressed", String(selected === id || Boolean(selection?.includes(id))));
  row.main.title = describe(track, review);
  press(row.lock, locked?.has(id), ["unlock", `Lock track ${id}`], ["lock", `Unlock track ${id}`]);
  press(row.eye, hidden.has(id), ["eye", `Hide track ${id}`], ["eyeOff", `Show track ${id}`]);
  row.solo.setAttribute("aria-pressed", String(solo === id));
}

/** Whether the track is in the frame on show. */
export function markPresence(row, id, { timeline, frame }) {
  row.root.classList.toggle("ct-absent", spanAt(timeline[id] ?? [], frame) === null);
}

function rowButton(name, onclick, title = "") {
  const element = button({ class: "ct-icon-button", title, "aria-label": title, onclick }, icon(name));
  element.dataset.icon = name;
  return element;
}

function press(element, pressed, off, on) {
  const [name, title] = pressed ? on : off;
  element.setAttribute("aria-pressed", String(Boolean(pressed)));
  if (element.title === title) return;
  element.title = title;
  element.setAttribute("aria-label", title);
  element.replaceChildren(icon(name));
}

function showMark(mark, review) {
  if (mark.dataset.review === review) return;
  mark.dataset.review = review;
  const [name, text] = MARKS[review] ?? [];
  mark.replaceChildren(...(name ? [icon(name)] : []));
  mark.title = text ?? "";
}

function factsOf({ score, count, first, last }) {
  const masks = count > 0 ? `${count} ${count === 1 ? "mask" : "masks"} · ${first}–${last}` : "no masks yet";
  return typeof score === "number" ? `${score.toFixed(2)} · ${masks}` : masks;
}

/** One line for the tooltip, and for screen readers through the button's title. */
function describe({ id, category, score, first, last, count }, review) {
  const parts = [`Track ${id}`, category ?? "no category"];
  if (typeof score === "number") parts.push(`score ${score.toFixed(2)}`);
  parts.push(count > 0 ? `${count} ${count === 1 ? "frame" : "frames"}, ${first} to ${last}` : "no masks yet");
  return [...parts, review === "partly" ? "partly verified" : review].join(", ");
}
