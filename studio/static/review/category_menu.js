/* The menu of categories: for a track that changes its category and for a new track.
   In: categories {id, name, color}, which one is current, where to open. Out: the choice through a callback.
   Arrows and Enter, digits 1 to 9, Escape; a field at the end adds a category to the project. */

import { button, el } from "./dom.js";

export class CategoryMenu {
  #returnTo = null;

  /** host: element the menu is placed in; add: name -> promise of the new category or null. */
  constructor(host, add) {
    this.host = host;
    this.add = add;
    this.root = el("div", { class: "ct-menu", role: "menu", hidden: true });
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(event.relatedTarget)) this.close({ refocus: false });
    });
    host.append(this.root);
  }

  /** anchor: element to open below, or null for the middle of the stage. */
  open({ title, categories, current = null, anchor = null, choose }) {
    this.#returnTo = anchor;
    this.choose = choose;
    const items = categories.map((category, i) => this.#item(category, i, category.id === current));
    const heading = el("div", { class: "ct-menu-title" }, title);
    this.root.replaceChildren(heading, el("div", { class: "ct-menu-items" }, items), this.#field());
    this.root.setAttribute("aria-label", title);
    this.root.hidden = false;
    this.#place(anchor);
    const start = items.find((item) => item.getAttribute("aria-checked") === "true") ?? items[0];
    (start ?? this.root.querySelector("input")).focus({ preventScroll: true });
  }

  close({ refocus = true } = {}) {
    if (this.root.hidden) return;
    this.root.hidden = true;
    if (this.root.contains(document.activeElement)) document.activeElement.blur(); // or the next key would come here
    if (refocus) this.#returnTo?.focus();
    this.#returnTo = null;
  }

  #item(category, index, checked) {
    const swatch = el("span", { class: "ct-swatch" });
    if (category.color) swatch.style.setProperty("--swatch", category.color);
    const digit = el("kbd", { class: "ct-key-cap", "aria-hidden": "true" }, index < 9 ? String(index + 1) : "");
    const name = el("span", { class: "ct-ellipsis" }, category.name);
    return button(
      { class: "ct-menu-item", role: "menuitemradio", "aria-checked": String(checked), onclick: () => this.#take(category) },
      swatch, name, digit,
    );
  }

  #field() {
    const input = el("input", {
      class: "ct-input", placeholder: "New category…", "aria-label": "Name of a new category", maxlength: 100,
    });
    input.addEventListener("keydown", async (event) => {
      if (event.key !== "Enter" || !input.value.trim()) return;
      event.preventDefault();
      input.disabled = true;
      const category = await this.add(input.value.trim());
      input.disabled = false;
      if (category) this.#take(category);
    });
    return el("div", { class: "ct-menu-field" }, input);
  }

  #take(category) {
    const { choose } = this;
    this.close();
    choose(category);
  }

  #key(event) {
    event.stopPropagation();
    const items = [...this.root.querySelectorAll(".ct-menu-item, input")];
    const typing = event.target.tagName === "INPUT";
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.close();
    else if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else if (!typing && /^[1-9]$/.test(event.key)) items[Number(event.key) - 1]?.click();
    else return;
    event.preventDefault();
  }

  #place(anchor) {
    const host = this.host.getBoundingClientRect();
    const menu = this.root.getBoundingClientRect();
    let left = (host.width - menu.width) / 2;
    let top = host.height * 0.25;
    if (anchor) {
      const box = anchor.getBoundingClientRect();
      left = box.right - host.left - menu.width;
      top = box.bottom - host.top + 4;
      if (top + menu.height > host.height - 8) top = box.top - host.top - menu.height - 4;
    }
    this.root.style.left = `${Math.max(8, Math.min(host.width - menu.width - 8, left))}px`;
    this.root.style.top = `${Math.max(8, Math.min(host.height - menu.height - 8, top))}px`;
  }
}
