/* The Jobs page: all long work in the order in which it is done, some of it at a time, by state and kind.

   A row stays the same while its job is on show, so that an open log and the keyboard stay where they are. */

import { get } from "./api.js";
import { element, emptyState, poll } from "./dom.js";
import { jobRow } from "./job_row.js";
import { KINDS } from "./jobs.js";
import { onEnter } from "./shell.js";

const PAGE = 50; // jobs that are listed at once
const STATES = { running: "Running", queued: "Waiting", paused: "Paused", failed: "Failed", cancelled: "Cancelled", done: "Done" };

/* Puts rows in this order with as little moving as possible, and the keyboard back where it was. */
function arrange(list, rows) {
  const held = document.activeElement;
  rows.forEach((row, place) => list.children[place] !== row && list.insertBefore(row, list.children[place] ?? null));
  while (list.children.length > rows.length) list.lastElementChild.remove();
  if (held !== document.activeElement && list.contains(held)) held.focus({ preventScroll: true });
}

export function mount({ element: root }) {
  let state = ""; // "": all
  let kind = "";
  let offset = 0;
  const rows = new Map(); // by job id: {node, update}

  const filters = element("div.filters", { role: "group", "aria-label": "State" });
  const kinds = element(
    "select.text",
    { "aria-label": "Kind", onchange: () => choose({ kind: kinds.value }) },
    element("option", { value: "" }, "All kinds"),
    ...Object.entries(KINDS).map(([value, words]) => element("option", { value }, words)),
  );
  const list = element("div.job-rows", { role: "list" });
  const empty = emptyState("clock", "Nothing here", "What you start appears here and goes on when you close the page.");
  const range = element("span.muted", { role: "status" });
  const before = element("button", { onclick: () => choose({ offset: Math.max(0, offset - PAGE) }) }, "Previous");
  const after = element("button", { onclick: () => choose({ offset: offset + PAGE }) }, "Next");
  const pager = element("nav.pager", { "aria-label": "More jobs" }, before, range, after);
  const head = element("header.page-head", {}, element("h1", {}, "Jobs"), element("span.grow"), kinds);
  root.replaceChildren(element("section.jobs", {}, head, filters, list, empty, pager));

  const chips = ["", ...Object.keys(STATES)].map((value) => {
    const number = element("span.faint");
    const chip = element("button.quiet", { onclick: () => choose({ state: value }), dataset: { state: value } }, STATES[value] ?? "All", number);
    return { value, chip, number };
  });
  filters.replaceChildren(...chips.map(({ chip }) => chip));

  function choose(given) {
    state = given.state ?? state;
    kind = given.kind ?? kind;
    offset = given.offset ?? 0;
    refresh();
    head.scrollIntoView({ block: "nearest" });
  }

  function show({ jobs, counts }) {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    for (const { value, chip, number } of chips) {
      const count = value ? counts[value] : all;
      chip.setAttribute("aria-pressed", String(value === state));
      number.textContent = String(count);
      chip.hidden = value !== "" && value !== state && !count;
    }
    for (const id of rows.keys()) if (!jobs.some((job) => job.id === id)) rows.delete(id);
    for (const job of jobs) {
      if (!rows.has(job.id)) rows.set(job.id, jobRow(refresh));
      rows.get(job.id).update(job);
    }
    arrange(list, jobs.map((job) => rows.get(job.id).node));
    const total = state ? counts[state] : all;
    empty.hidden = jobs.length > 0;
    pager.hidden = total <= PAGE && offset === 0;
    range.textContent = `${Math.min(offset + 1, total)} to ${offset + jobs.length} of ${total}`;
    before.disabled = offset === 0;
    after.disabled = offset + PAGE >= total;
  }

  const refresh = poll(root, 1000, async () => {
    const asked = new URLSearchParams({ limit: PAGE, offset });
    if (state) asked.set("state", state);
    if (kind) asked.set("kind", kind);
    const answer = await get(`/jobs?${asked}`);
    if (asked.get("offset") === String(offset)) show(answer);
  });
  document.addEventListener("ctvis:jobs", refresh);
  onEnter("jobs", () => refresh());
}
