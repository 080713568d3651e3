/* The inspector at the right: which video it is, and tabs (tracks, queue, notes, history) as the features give them.
   In: tabs {id, title, element, badge?(state) -> text}. Out: an element; the tab on show is the state key `tab`. */

import { button, el, setText } from "./dom.js";

export function createInspector(store, head, tabs) {
  const parts = tabs.map((tab) => createTab(store, tab));
  store.watch(["tab"], ({ tab }) => {
    const shown = tabs.some(({ id }) => id === tab) ? tab : tabs[0].id;
    parts.forEach(({ label, panel }, i) => {
      label.setAttribute("aria-selected", String(tabs[i].id === shown));
      label.tabIndex = tabs[i].id === shown ? 0 : -1;
      panel.hidden = tabs[i].id !== shown;
    });
  });
  store.watch(null, (state) => {
    parts.forEach(({ mark }, i) => {
      const text = tabs[i].badge?.(state) ?? "";
      setText(mark, String(text));
      mark.hidden = text === "";
    });
  });
  const labels = parts.map(({ label }) => label);
  const list = el("div", { class: "ct-tabs", role: "tablist", "aria-label": "Inspector" }, labels);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = labels[(labels.indexOf(document.activeElement) + step + labels.length) % labels.length];
    next.click();
    next.focus();
  });
  const panels = parts.map(({ panel }) => panel);
  return el("aside", { class: "ct-inspector", "aria-label": "Inspector" }, head, list, panels);
}

function createTab(store, { id, title, element }) {
  const mark = el("span", { class: "ct-count" });
  const own = { id: `ct-tab-${id}`, "aria-controls": `ct-tab-panel-${id}`, "data-tab": id, "data-title": title };
  const label = button({ class: "ct-tab", role: "tab", onclick: () => store.set({ tab: id }), ...own }, title, mark);
  const names = { id: `ct-tab-panel-${id}`, "aria-labelledby": own.id };
  const panel = el("div", { class: "ct-tab-panel", role: "tabpanel", ...names }, element);
  return { label, mark, panel };
}
