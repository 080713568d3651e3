/* A quiet button that opens a short list of actions.

   In: its name, and the actions [{symbol, words, act, danger}]. Out: the button. The list is a popover of the page: Escape, Tab and
   a click elsewhere close it, the arrows walk through it. */

import { element, icon } from "./dom.js";

const GAP = 4; // pixels between the button and its list

export function menuButton(label, actions) {
  const state = { "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false" };
  const button = element("button.quiet.more", { title: "More", ...state }, icon("more"));
  button.addEventListener("click", () => open(button, label, actions));
  return button;
}

function open(button, label, actions) {
  const items = actions.map(({ symbol, words, act, danger }) => {
    const item = element(`button.quiet.wide${danger ? ".danger" : ""}`, { role: "menuitem" }, icon(symbol), words);
    item.addEventListener("click", () => {
      menu.hidePopover();
      button.focus();
      act();
    });
    return item;
  });
  const menu = element("div.menu.widget", { popover: "auto", role: "menu", "aria-label": label }, ...items);
  menu.addEventListener("keydown", (event) => walk(event, items, menu));
  menu.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed") menu.remove();
  });
  document.body.append(menu);
  menu.showPopover();
  placeBeside(menu, button.getBoundingClientRect());
  items[0].focus();
}

function walk(event, items, menu) {
  const here = items.indexOf(document.activeElement);
  const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length).focus();
}

/* Below the button with the right edges in line; above it where there is no room below. */
function placeBeside(menu, { top, bottom, right }) {
  const below = bottom + GAP + menu.offsetHeight <= innerHeight;
  menu.style.top = `${below ? bottom + GAP : top - GAP - menu.offsetHeight}px`;
  menu.style.left = `${Math.max(GAP, right - menu.offsetWidth)}px`;
}
