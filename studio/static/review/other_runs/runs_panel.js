/* The tab "Runs": which run to compare with, how alike the two are, their differences with the worst first, and running a model
   again. In: the comparisons, what to do {go(difference), runAgain(model)}. Out: an element. */

import { button, el, setText } from "../dom.js";
import { icon } from "../icons.js";
import { createVirtualList } from "../queue/virtual_list.js";
import { nameOf, runName } from "./comparisons.js";
import { difference, facts, iconOf, levelOf, summary } from "./words.js";

const ROW = 60; // px

export function createRunsPanel(parts, comparisons, { go, runAgain }) {
  const { store, bindings } = parts;
  const list = createVirtualList({
    rowHeight: ROW,
    create: (entry) => createRow(store, entry, go),
    keyOf: nameOf,
    label: "Differences to the other run",
  });
  store.watch(["comparison"], ({ comparison }) => {
    list.show(comparison?.differences ?? []);
    list.renew();
  });
  store.watch(["difference"], ({ difference: current }) => {
    for (const row of list.root.querySelectorAll("[data-difference]")) mark(row, current);
    const index = comparisons.listed.findIndex((entry) => nameOf(entry) === current);
    if (index >= 0) list.reveal(index);
  });
  return el(
    "section",
    { class: "ct-panel ct-queue ct-runs", "aria-label": "Runs" },
    createChoice(store),
    createCard(store, bindings),
    list.root,
    createAgain(parts, runAgain),
  );
}

/** Which run is compared with. */
function createChoice(store) {
  const select = el("select", { class: "ct-input ct-queue-kind", "aria-label": "Compare with" });
  select.addEventListener("change", () => {
    const run = select.value ? Number(select.value) : null;
    store.set({ compareWith: run, compare: true, ...(run !== null && { compareMode: "over" }) });
    select.blur();
  });
  const row = el("label", { class: "ct-queue-filter" }, el("span", { class: "ct-faint" }, "Compare with"), select);
  let drawn = "";
  store.watch(["video", "compareWith"], ({ video, compareWith }) => {
    const others = (video?.runs ?? []).filter(({ shown, frames_done: done }) => !shown && done > 0).reverse();
    row.hidden = others.length === 0;
    const state = JSON.stringify([video?.run?.id, others.map(({ id, model }) => [id, model])]);
    if (state !== drawn) {
      drawn = state;
      const options = others.map(({ id }) => el("option", { value: id }, runName(video.runs, id)));
      select.replaceChildren(el("option", { value: "" }, "What it predicted itself"), ...options);
    }
    select.value = compareWith ?? "";
  });
  return row;
}

/** How alike the two are, and the difference that is looked at, with what can be done. */
function createCard(store, bindings) {
  const act = (id, text, classes = "") => {
    const cap = el("kbd", { class: "ct-key-cap" });
    const element = button({ class: `ct-outline ${classes}`, onclick: () => bindings.run(bindings.get(id)) }, el("span", {}, text), cap);
    store.watch(["keys", "video"], () => {
      setText(cap, bindings.keyOf(id) ?? "");
      cap.hidden = !cap.textContent;
    });
    return element;
  };
  const text = el("p", {});
  const one = act("takeOne", "Take this one", "ct-main-button");
  const all = act("takeAll", "Take all over…");
  const next = act("differenceNext", "Next");
  const root = el("div", { class: "ct-moment-card" }, text, el("div", { class: "ct-moment-actions" }, one, next, all));
  store.watch(["comparison", "compareWith", "difference"], ({ comparison, compareWith, difference: current }) => {
    root.hidden = compareWith === null;
    const entry = comparison?.differences.find((each) => nameOf(each) === current);
    setText(text, comparison ? summary(comparison) : "Comparing…");
    one.hidden = !entry;
    all.hidden = next.hidden = !comparison?.total;
  });
  return root;
}

function createRow(store, entry, go) {
  const { comparison, difference: current, tracks } = store.state;
  const swatch = el("span", { class: "ct-swatch" });
  swatch.style.setProperty("--swatch", tracks.find(({ id }) => id === entry.track)?.color ?? "var(--ct-tick)");
  const words = difference(entry, comparison);
  const row = el(
    "li",
    { class: "ct-moment", "data-difference": nameOf(entry) },
    button(
      { class: "ct-moment-main", onclick: () => go(entry), title: words },
      el("span", { class: `ct-moment-kind ct-level-${levelOf(entry)}` }, icon(iconOf(entry))),
      el(
        "span",
        { class: "ct-moment-text" },
        el("span", { class: "ct-moment-reason" }, words),
        el("span", { class: "ct-moment-facts ct-numbers" }, swatch, facts(entry)),
      ),
    ),
  );
  mark(row, current);
  return row;
}

function mark(row, current) {
  const isCurrent = row.dataset.difference === current;
  row.classList.toggle("ct-selected", isCurrent);
  row.firstChild.setAttribute("aria-current", String(isCurrent));
}

/** Running a model again: which one, and how far it is. */
function createAgain({ store, api }, runAgain) {
  const select = el("select", { class: "ct-input ct-queue-kind", "aria-label": "Model" });
  const start = button({ class: "ct-outline", onclick: () => runAgain(select.value || null) }, icon("retrack"), "Run again");
  const hint = el("p", { class: "ct-faint" });
  const fill = async () => {
    const { models } = await api.models().catch(() => ({ models: [] }));
    const chosen = select.value;
    select.replaceChildren(el("option", { value: "" }, "Default model"), ...models.map(({ name }) => el("option", { value: name }, name)));
    select.value = [...select.options].some(({ value }) => value === chosen) ? chosen : "";
  };
  store.watch(["tab", "video"], ({ tab, video }) => {
    if (tab === "runs" && video && select.dataset.video !== String(video.id)) {
      select.dataset.video = video.id;
      fill();
    }
    const under = video?.runs?.find(({ state }) => state === "queued" || state === "running");
    start.disabled = Boolean(under);
    const how = under?.state === "running" ? `is running: ${Math.round(100 * under.progress)} %` : "waits for its turn";
    setText(hint, under ? `${runName(video.runs, under.id)} ${how}.` : "Once you have corrected something, what a model finds comes beside it.");
  });
  select.addEventListener("change", () => select.blur());
  return el("div", { class: "ct-runs-again" }, el("div", { class: "ct-queue-filter" }, select, start), hint);
}
