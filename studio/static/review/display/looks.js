/* How the picture and its masks are seen, as a feature: style, opacity, colours, solo, hide, lock, trails, compare, loupe.
   In: the parts of the page. Out: {bindings, toolbar, stage, end}, see features.js. */

import { choice, follow, slider } from "../controls.js";
import { button, el } from "../dom.js";
import { icon } from "../icons.js";
import { createPopover } from "../popover.js";
import { needModel, needSelection } from "../reasons.js";
import { commandButton, iconButton } from "../toolbar.js";
import { COLOR_BY } from "./colors.js";
import { createCompare } from "./compare.js";
import { createLegend } from "./legend.js";
import { createLoupe } from "./loupe.js";
import { createTrails } from "./trails.js";

const STYLES = [
  { value: "both", text: "Fill and outline", icon: "styleBoth" },
  { value: "fill", text: "Fill", icon: "styleFill" },
  { value: "outline", text: "Outline", icon: "styleOutline" },
];

export function createLooks(parts) {
  const { store } = parts;
  const { state } = store;
  store.set({ trails: state.trails ?? false, compare: false, loupe: false });
  createTrails(parts);
  const compare = createCompare(parts);
  const toggle = (key) => () => store.set({ [key]: !state[key] });
  const next = (key, values) => () => store.set({ [key]: values[(values.indexOf(state[key]) + 1) % values.length] });
  const bind = (id, keys, text, run, when = null) => ({ id, group: "View", keys, text, run, ...(when && { when }) });

  return {
    bindings: [
      bind("masks", ["H"], "Hide or show masks", toggle("showMasks")),
      bind("labels", ["L"], "Hide or show name tags", toggle("showLabels")),
      bind("hideSelected", ["Shift+H"], "Hide or show the selected tracks", () => switchAll(store, "hidden"), needSelection),
      bind("lock", ["Shift+L"], "Lock or unlock the selected tracks", () => switchAll(store, "locked"), needSelection),
      bind("solo", ["Q"], "Show only the selected track", () => store.set({ solo: state.solo === state.selected ? null : state.selected }), needSelection),
      bind("maskStyle", ["Shift+M"], "Fill, outline or both", next("maskStyle", STYLES.map(({ value }) => value))),
      bind("colorBy", ["Shift+K"], "Colour by track, category, source, confidence", next("colorBy", Object.keys(COLOR_BY))),
      bind("trails", ["Shift+T"], "Trails of the selected tracks", toggle("trails")),
      bind("compare", ["A"], "Compare with the model's original (hold: only that)", () => compare.toggle(), needModel),
      bind("loupe", ["Z"], "Loupe", toggle("loupe")),
    ],
    toolbar: [createGroup(parts)],
    stage: [createLegend(store), createLoupe(parts), compare.element],
    end: () => compare.end(),
  };
}

/** Puts the selected tracks into a set of the state, or takes them out if all of them are in it. */
function switchAll(store, key) {
  const { selection } = store.state;
  const set = new Set(store.state[key]);
  const all = selection.every((id) => set.has(id));
  for (const id of selection) {
    if (all) set.delete(id);
    else set.add(id);
  }
  store.set({ [key]: set });
}

function createGroup(parts) {
  const { store } = parts;
  const masks = commandButton(parts, "masks", "masks");
  const loupe = commandButton(parts, "loupe", "loupe");
  const compare = commandButton(parts, "compare", "compare");
  store.watch(["showMasks", "loupe", "compare"], (state) => {
    masks.setAttribute("aria-pressed", String(state.showMasks));
    loupe.setAttribute("aria-pressed", String(state.loupe));
    compare.setAttribute("aria-pressed", String(state.compare));
  });
  const looks = iconButton("looks", "How masks look");
  return el("div", { class: "ct-group", role: "group", "aria-label": "View" }, masks, looks, createPanel(parts, looks), compare, loupe);
}

function createPanel(parts, anchor) {
  const { store, bindings } = parts;
  const percent = { read: (value) => Math.round(value * 100), write: (value) => value / 100 };
  const opacity = slider(store, "opacity", { label: "Opacity of the masks", most: 100, step: 5, ...percent });
  const colors = choice(store, "colorBy", "Colour by", Object.entries(COLOR_BY).map(([value, text]) => ({ value, text })));
  const cap = (id) => follow(store, ["keys", "video"], () => bindings.keyOf(id), { class: "ct-key-cap" });
  const row = (text, control, id) => el("div", { class: "ct-look-row" }, el("span", {}, text), control, id ? cap(id) : el("span"));
  const check = (text, key, id) => {
    const box = button(
      { class: "ct-switch", role: "switch", "aria-label": text, onclick: () => store.set({ [key]: !store.state[key] }) },
      icon("check"),
    );
    store.watch([key], (state) => box.setAttribute("aria-checked", String(state[key])));
    return row(text, box, id);
  };
  return createPopover(
    anchor,
    "How masks look",
    row("Style", choice(store, "maskStyle", "Style", STYLES), "maskStyle"),
    row("Opacity", opacity),
    row("Colour by", colors, "colorBy"),
    check("Name tags", "showLabels", "labels"),
    check("Trails of the selected", "trails", "trails"),
  );
}
