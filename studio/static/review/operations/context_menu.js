/* The menu under the right mouse button: what can be done with the track under the pointer, or with the selection.
   In: right clicks on masks, on rows of the list and of the timeline; the bindings marked `menu`. Out: an element. In the
   open menu arrows and Enter choose, and every command's own key works. */

import { sayWhy } from "../bindings.js";
import { button, el, onKeyWhileShown } from "../dom.js";
import { keyName } from "../keys.js";
import { trackNames } from "./sentence.js";

const NOTHING = ["newTrack", "undo", "redo", "help"]; // offered where there is no track
const TOOLS = new Set(["select", "brush", "eraser"]); // others may need the right button themselves

export function createContextMenu(parts) {
  const { root: page, store, bindings, commands } = parts;
  const root = el("div", { class: "ct-context", role: "menu", hidden: true });

  const close = () => {
    if (root.hidden) return;
    root.hidden = true;
    if (root.contains(document.activeElement)) document.activeElement.blur(); // or the next key would come here
  };
  const run = (binding) => {
    close();
    bindings.run(binding);
  };

  const open = (point) => {
    const { selection, tracks } = store.state;
    const list = bindings.list.filter(selection.length ? ({ menu }) => menu : ({ id }) => NOTHING.includes(id));
    const groups = [...new Set(list.map(({ group }) => group))];
    const ofGroup = (group) => list.filter((item) => item.group === group);
    const title = selection.length ? trackNames(tracks, selection) : "No track here";
    root.replaceChildren(
      el("div", { class: "ct-menu-title" }, title),
      el("div", { class: "ct-menu-items" }, groups.map((group) => createGroup(parts, ofGroup(group), run))),
    );
    root.setAttribute("aria-label", `What to do with ${title}`);
    root.hidden = false;
    place(root, page, point);
    root.querySelector("button:not([aria-disabled])")?.focus({ preventScroll: true });
  };

  onKeyWhileShown(root, (event) => {
    event.stopPropagation();
    const items = [...root.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const own = bindings.at(keyName(event));
    if (event.key === "Escape") close();
    else if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
    else if (event.key === "Enter" || event.key === " ") return;
    else if (own) run(own);
    else return;
    event.preventDefault();
  });
  root.addEventListener("focusout", (event) => root.contains(event.relatedTarget) || close());

  page.addEventListener("contextmenu", (event) => {
    if (!store.state.video || event.target.closest("dialog, input, .ct-menu, .ct-context")) return;
    const track = trackUnder(parts, event);
    if (track === undefined) return;
    event.preventDefault();
    if (track !== null && !store.state.selection.includes(track)) commands.select(track);
    if (track === null) commands.select(null);
    open({ x: event.clientX, y: event.clientY });
  });
  const openHere = () => {
    const box = parts.stage.root.getBoundingClientRect();
    open({ x: box.left + box.width / 3, y: box.top + box.height / 4 });
  };
  const keys = ["ContextMenu", "Shift+F10"];
  return {
    bindings: [{ id: "contextMenu", group: "View", keys, text: "Menu of the selection", run: openHere }],
    dialogs: [root],
  };
}

/** The id of the track at the pointer, null where there is none, undefined where the menu has no business. */
function trackUnder({ stage, timeline, store }, event) {
  const row = event.target.closest("[data-track]");
  if (row) return Number(row.dataset.track);
  if (stage.root.contains(event.target)) return TOOLS.has(store.state.tool) ? stage.trackAt(stage.sourceOf(event)) : undefined;
  if (timeline.area.parentElement.contains(event.target)) return timeline.rows[timeline.placeOf(event).row]?.id ?? null;
  return undefined;
}

function createGroup({ bindings }, list, run) {
  const items = list.map((binding) => {
    const cap = bindings.keyOf(binding.id);
    const key = cap ? el("kbd", { class: "ct-key-cap" }, cap) : null;
    const attributes = { class: "ct-menu-item", role: "menuitem", onclick: () => run(binding) };
    const item = button(attributes, el("span", { class: "ct-ellipsis" }, binding.text), key);
    sayWhy(item, bindings.why(binding));
    return item;
  });
  return el("div", { class: "ct-menu-group", role: "group" }, items);
}

/** Beside the pointer, wholly within the page. */
function place(root, page, { x, y }) {
  const host = page.getBoundingClientRect();
  const menu = root.getBoundingClientRect();
  const left = x - host.left + menu.width > host.width - 8 ? x - host.left - menu.width : x - host.left;
  const top = Math.min(y - host.top, host.height - menu.height - 8);
  root.style.left = `${Math.max(8, left)}px`;
  root.style.top = `${Math.max(8, top)}px`;
}
