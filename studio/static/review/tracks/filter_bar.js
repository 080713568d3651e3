/* Search, order and filters of the track list. In: the state key `trackChoice` (choice.js). Out: the same key, elements. */

import { button, el } from "../dom.js";
import { icon } from "../icons.js";
import { isFiltering, NO_FILTER, SORTS, STATES } from "./choice.js";

/** {bar, panel, toggle}: the line with search and order, the filters, and the button that opens them. */
export function createFilterBar(store) {
  const change = (patch) => store.set({ trackChoice: { ...store.state.trackChoice, ...patch } });
  const panel = createPanel(store, change);
  const title = "Filter the tracks";
  const attributes = { class: "ct-icon-button", title, "aria-label": title, "aria-expanded": "false" };
  const toggle = button({ ...attributes, onclick: () => open(panel.hidden) }, icon("filter"));
  const open = (shown) => {
    panel.hidden = !shown;
    toggle.setAttribute("aria-expanded", String(shown));
  };
  store.watch(["trackChoice"], ({ trackChoice }) => {
    toggle.setAttribute("aria-pressed", String(isFiltering({ ...trackChoice, search: "" })));
  });
  return { bar: createBar(store, change), panel, toggle };
}

function createBar(store, change) {
  const search = el("input", {
    class: "ct-input ct-track-search", type: "search", placeholder: "Search…", "aria-label": "Search tracks",
    title: "A track's number, or a part of its category",
  });
  search.addEventListener("input", () => change({ search: search.value }));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Escape") change({ search: "" });
    search.blur();
  });
  const sort = choice("Order of the tracks", Object.entries(SORTS), (value) => change({ sort: value, reverse: false }));
  const title = "Turn the order round";
  const reverse = button(
    { class: "ct-icon-button", title, "aria-label": title, onclick: () => change({ reverse: !store.state.trackChoice.reverse }) },
    icon("sort"),
  );
  store.watch(["trackChoice"], ({ trackChoice }) => {
    if (search.value !== trackChoice.search) search.value = trackChoice.search;
    sort.value = trackChoice.sort;
    reverse.setAttribute("aria-pressed", String(trackChoice.reverse));
  });
  return el("div", { class: "ct-track-bar" }, search, sort, reverse);
}

function createPanel(store, change) {
  const category = choice("Category", [["", "Any category"]], (value) => change({ category: value ? Number(value) : null }));
  const review = choice("State", Object.entries(STATES), (value) => change({ state: value }));
  const here = el("input", { type: "checkbox" });
  here.addEventListener("change", () => {
    change({ here: here.checked });
    here.blur(); // the keyboard goes back to the stage
  });
  const numbers = [
    ["Score", "least", "most", { min: 0, max: 1, step: 0.05 }],
    ["Masks", "shortest", "longest", { min: 0, step: 1 }],
  ].map((field) => numberRange(field, store, change));
  const clear = button({ class: "ct-link", onclick: () => change(NO_FILTER) }, "Clear all");
  store.watch(["video"], ({ video }) => {
    const names = (video?.categories ?? []).map(({ id, name }) => el("option", { value: id }, name));
    category.replaceChildren(el("option", { value: "" }, "Any category"), ...names);
    category.value = store.state.trackChoice?.category ?? "";
  });
  store.watch(["trackChoice"], ({ trackChoice }) => {
    category.value = trackChoice.category ?? "";
    review.value = trackChoice.state;
    here.checked = trackChoice.here;
  });
  const only = el("label", { class: "ct-check" }, here, "In this frame");
  const foot = el("div", { class: "ct-filter-foot" }, only, clear);
  return el("div", { class: "ct-track-filters", hidden: true }, category, review, ...numbers, foot);
}

function choice(label, options, onChoose) {
  const attributes = { class: "ct-input", "aria-label": label, title: label };
  const element = el("select", attributes, options.map(([value, text]) => el("option", { value }, text)));
  element.addEventListener("change", () => {
    onChoose(element.value);
    element.blur(); // the keyboard goes back to the stage
  });
  return element;
}

/** Two numbers, from and to; an empty field is no limit. */
function numberRange([name, low, high, limits], store, change) {
  const fields = [["from", low], ["to", high]].map(([word, key]) => {
    const field = el("input", { class: "ct-input", type: "number", placeholder: word, "aria-label": `${name} ${word}`, ...limits });
    field.addEventListener("input", () => change({ [key]: field.value === "" ? null : Number(field.value) }));
    store.watch(["trackChoice"], ({ trackChoice }) => {
      if (document.activeElement !== field) field.value = trackChoice[key] ?? "";
    });
    return field;
  });
  return el("div", { class: "ct-filter-range", role: "group", "aria-label": name }, el("span", {}, name), ...fields);
}
