/* The Export page's parts: which project, and the exports made so far with their downloads. */

import { get, post } from "./api.js";
import { attempt, element, emptyState, notify, poll } from "./dom.js";
import { exportRow } from "./export_row.js";
import { onEnter } from "./shell.js";

export function mount({ element: root }) {
  const select = element("select.text", { "aria-label": "Project" });
  root.replaceChildren(element("label.field", {}, element("span", {}, "Project"), select));
  let shown = "";
  const refresh = poll(root, 2000, async () => {
    const answer = await get("/projects");
    const projects = answer.projects;
    const state = JSON.stringify(projects.map((one) => [one.id, one.name]));
    if (state === shown) return;
    shown = state;
    const before = select.value;
    select.replaceChildren(...projects.map((one) => element("option", { value: String(one.id) }, one.name)));
    if ([...select.options].some(({ value }) => value === before)) select.value = before; // it may be deleted
  });
  onEnter("export", async ({ project }) => {
    await refresh();
    if (project) select.value = String(project);
  });

  document.addEventListener("ctvis:start-export", ({ detail }) =>
    attempt(async () => {
      if (!select.value) return notify("There is no project to export yet.", "error");
      await post(`/projects/${select.value}/exports`, detail);
      document.dispatchEvent(new CustomEvent("ctvis:jobs"));
    }),
  );
}

const MOST = 30; // exports, and as many drawn videos

/* A video is drawn over what was drawn of it before. */
const isLatest = (job, place, all) => all.findIndex(({ video_id: video }) => video === job.video_id) === place;

/* The exports and drawn videos made so far, newest first; they come from the job table, so every browser sees the same ones. */
export function made({ element: root }) {
  const list = element("div.job-list");
  const empty = emptyState("archive", "No exports yet", "What you export stays here for download.");
  root.replaceChildren(element("header.page-head", {}, element("h1", {}, "Exports")), list, empty);
  let shown = "";
  const refresh = poll(root, 800, async () => {
    const [exports, drawn] = await Promise.all(["export", "overlay"].map((kind) => get(`/jobs?kind=${kind}&limit=${MOST}`)));
    const jobs = [...exports.jobs, ...drawn.jobs.filter(isLatest)].sort((a, b) => b.id - a.id);
    const state = JSON.stringify(jobs);
    if (state === shown) return;
    const { results } = await get(`/results?limit=${MOST}`);
    shown = state;
    empty.hidden = jobs.length > 0;
    list.replaceChildren(...jobs.map((job) => exportRow(job, results.find((one) => one.job === job.id) ?? null)));
  });
  document.addEventListener("ctvis:jobs", refresh);
}
