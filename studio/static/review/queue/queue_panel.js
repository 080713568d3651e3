/* The tab "Queue": the suspicious moments, worst first, with a filter, and the one that is looked at with what can be done.
   In: the parts of the page, actions. Out: an element. */

import { button, el, setText } from "../dom.js";
import { createBeforeAndThen } from "./before_and_then.js";
import { filtered } from "./moments.js";
import { DOUBTED, framesText, kindIcon, KINDS, kindTitle, remedyText, severityLevel, SEVERITY_WORDS, tracksOf } from "./kinds.js";
import { createVirtualList } from "./virtual_list.js";

const ROW = 60; // px
export const STATES = { open: "Open", resolved: "Mended", ignored: "No mistake", all: "All" };

/** actions: {go(moment)}. Returns {root, end}. */
export function createQueuePanel(parts, actions) {
  const { store, bindings } = parts;
  const list = createVirtualList({
    rowHeight: ROW,
    create: (moment) => createRow(store, moment, actions),
    keyOf: ({ id }) => id,
    label: "Suspicious moments",
  });
  const empty = el("p", { class: "ct-empty" });
  const sides = createBeforeAndThen(parts);
  const card = createCard(store, bindings, sides.root);

  store.watch(["suggestions", "queueFilter", "queueLook", "selection"], (state) => {
    const listed = filtered(state);
    list.show(listed);
    list.root.hidden = listed.length === 0;
    empty.hidden = listed.length > 0 || state.queueLook !== null;
    setText(empty, emptyText(state));
  });
  store.watch(["tracks"], () => list.renew());
  store.watch(["suggestion"], (state) => {
    for (const row of list.root.querySelectorAll(".ct-moment")) mark(row, state.suggestion);
    const index = filtered(state).findIndex(({ id }) => id === state.suggestion);
    if (index >= 0) list.reveal(index);
  });
  const root = el("section", { class: "ct-panel ct-queue", "aria-label": "Queue" }, createFilter(store), card, empty, list.root);
  return { root, end: sides.end };
}

/** How many moments wait, for the tab. */
export const openCount = ({ suggestions }) => suggestions.reduce((sum, { state }) => sum + (state === "open"), 0) || "";

function emptyText({ suggestions, queueFilter, video }) {
  if (!video) return "";
  if (suggestions.length === 0) return "Nothing looks suspicious. What the studio looks for is in the guide, docs/review.md.";
  if (queueFilter.state === "open" && queueFilter.kind === "all" && !queueFilter.selection) return "All suspicious moments are settled. Verify what is right, or export it.";
  return "No moment fits this filter.";
}

function createFilter(store) {
  const change = (patch) => store.set({ queueFilter: { ...store.state.queueFilter, ...patch } });
  const kind = el("select", { class: "ct-input ct-queue-kind", "aria-label": "Kind", onchange: () => change({ kind: kind.value }) });
  const state = el("select", { class: "ct-input", "aria-label": "State", onchange: () => change({ state: state.value }) });
  const only = el("input", { type: "checkbox", onchange: () => change({ selection: only.checked }) });
  for (const select of [kind, state]) select.addEventListener("change", () => select.blur());
  only.addEventListener("change", () => only.blur());
  store.watch(["suggestions", "queueFilter"], ({ suggestions, queueFilter }) => {
    const inState = suggestions.filter((moment) => queueFilter.state === "all" || moment.state === queueFilter.state);
    const count = (test) => inState.reduce((sum, moment) => sum + test(moment), 0);
    fillSelect(kind, [
      ["all", `All kinds (${inState.length})`],
      ...Object.keys(KINDS)
        .map((name) => [name, count((moment) => moment.kind === name)])
        .filter(([name, number]) => number > 0 || name === queueFilter.kind)
        .map(([name, number]) => [name, `${kindTitle(name)} (${number})`]),
    ]);
    fillSelect(state, Object.entries(STATES));
    kind.value = queueFilter.kind;
    state.value = queueFilter.state;
    only.checked = queueFilter.selection;
  });
  const selected = el("label", { class: "ct-queue-only", title: "Only moments of the selected tracks" }, only, "Selected");
  return el("div", { class: "ct-queue-filter" }, kind, state, selected);
}

function fillSelect(select, options) {
  const text = JSON.stringify(options);
  if (select.dataset.options === text) return;
  select.dataset.options = text;
  select.replaceChildren(...options.map(([value, title]) => el("option", { value }, title)));
}

function createRow(store, moment, { go }) {
  const { id, kind, frame, stop, reason, state } = moment;
  const level = severityLevel(moment);
  const settled = state === "open" ? null : el("span", { class: "ct-moment-state" }, STATES[state]);
  const row = el(
    "li",
    { class: `ct-moment ct-moment-${state}`, "data-moment": id },
    button(
      { class: "ct-moment-main", onclick: () => go(moment), title: `${kindTitle(kind)}, ${SEVERITY_WORDS[level]}: ${reason}` },
      el("span", { class: `ct-moment-kind ct-level-${level}` }, kindIcon(kind)),
      el(
        "span",
        { class: "ct-moment-text" },
        el("span", { class: "ct-moment-reason" }, reason),
        el("span", { class: "ct-moment-facts ct-numbers" }, framesText(frame, stop - 1, "F"), swatches(store, moment), settled),
      ),
    ),
  );
  mark(row, store.state.suggestion);
  return row;
}

function mark(row, current) {
  const isCurrent = Number(row.dataset.moment) === current;
  row.classList.toggle("ct-selected", isCurrent);
  row.firstChild.setAttribute("aria-current", String(isCurrent));
}

function swatches(store, moment) {
  return tracksOf(moment).map((track) => {
    const swatch = el("span", { class: "ct-swatch" });
    swatch.style.setProperty("--swatch", store.state.tracks.find(({ id }) => id === track)?.color ?? "var(--ct-tick)");
    return el("span", { class: "ct-moment-track" }, swatch, String(track));
  });
}

/** What a remedy drew is not mended before somebody has seen it; what a person did is, once they say so or it is not found again. */
function lookText({ drawn, touched }, bindings, moment) {
  const key = (id) => bindings.keyOf(id) || `“${bindings.get(id).text}”`;
  if (touched && moment) {
    return `You changed ${touched} here. Done? ${key("momentResolve")} says so and goes on; ${key("momentNext")} goes on and leaves it open.`;
  }
  if (touched) return `What you did to ${touched} has mended it. ${key("momentResolve")} or ${key("momentNext")} goes on, ${key("undo")} takes it back.`;
  return `Look at what was drawn in ${drawn}. ${key("momentNext")} goes on, ${key("undo")} takes it back; ${key("copyPrevious")} and ${key("copyNext")} copy the mask of a neighbour, ${key("brush")} paints.`;
}

function walkText(bindings) {
  return `${bindings.keyOf("momentNext") || "J"} goes to the next moment, ${bindings.keyOf("momentPrevious") || "Shift+J"} to the previous one.`;
}

/** The moment that is looked at: its reason in full, pictures of it, and what can be done, each with its key. */
function createCard(store, bindings, pictures) {
  const act = (id, classes) => {
    const cap = el("kbd", { class: "ct-key-cap" });
    const text = el("span", {});
    const element = button({ class: `ct-outline ${classes}`, onclick: () => bindings.run(bindings.get(id)) }, text, cap);
    const show = (words, shown = true) => {
      element.hidden = !shown;
      setText(text, words);
      setText(cap, bindings.keyOf(id));
    };
    return { element, show };
  };
  const kind = el("span", { class: "ct-moment-kind" });
  const title = el("strong", {});
  const reason = el("p", {});
  const byHand = el("p", { class: "ct-faint" });
  const remedy = act("momentRemedy", "ct-main-button");
  const remove = act("delete", "");
  const resolve = act("momentResolve", "");
  const ignore = act("momentIgnore", "");
  const body = el(
    "div",
    {},
    el("div", { class: "ct-moment-head" }, kind, title),
    reason,
    pictures,
    byHand,
    el("div", { class: "ct-moment-actions" }, remedy.element, remove.element, resolve.element, ignore.element),
  );
  const hint = el("p", { class: "ct-faint" });
  const card = el("div", { class: "ct-moment-card" }, body, hint);
  store.watch(["suggestions", "suggestion", "queueLook", "keys"], ({ suggestions, suggestion, queueLook }) => {
    const moment = suggestions.find(({ id }) => id === suggestion) ?? null;
    body.hidden = !moment;
    hint.hidden = !queueLook && (Boolean(moment) || !openCount({ suggestions }));
    card.hidden = body.hidden && hint.hidden;
    setText(hint, queueLook ? lookText(queueLook, bindings, moment) : walkText(bindings));
    if (!moment) return;
    kind.className = `ct-moment-kind ct-level-${severityLevel(moment)}`;
    kind.replaceChildren(kindIcon(moment.kind));
    setText(title, kindTitle(moment.kind));
    kind.title = SEVERITY_WORDS[severityLevel(moment)];
    setText(reason, `${moment.reason}.`.replace("?.", "?"));
    const open = moment.state === "open";
    byHand.hidden = !open || moment.remedy !== null;
    setText(byHand, "No ready remedy: put it right by hand, or say that it is fine.");
    remove.show(`Delete track ${moment.track}`, open && moment.remedy === null && DOUBTED.has(moment.kind));
    remedy.show(remedyText(moment) ?? "", open && moment.remedy !== null);
    resolve.show(open ? "Mended" : "Open again");
    ignore.show("No mistake", open);
  });
  return card;
}
