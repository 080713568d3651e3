/* The Fine-tune page: a project's fine-tunings at the left; at the right a new one (finetune_form.js), or one of them
   (finetune_run.js). The address says which: ?view=finetune&project=1&run=2. */

import { get } from "./api.js";
import { ago, attempt, element, emptyState, icon, poll, redraw } from "./dom.js";
import { mountForm } from "./finetune_form.js";
import { mountRun } from "./finetune_run.js";
import { isTrial, plainName } from "./manage.js";
import { go, onEnter } from "./shell.js";

/* One line on how a fine-tuning stands. */
function standing({ state, step, steps, parent, result, created_at }) {
  if (state === "running" || state === "paused") return `step ${step} of ${steps}`;
  if (!result?.after) return `from ${parent} · ${ago(created_at)}`;
  const change = result.after.AP - result.before.AP;
  return `AP ${result.after.AP.toFixed(2)}, ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)} · ${ago(created_at)}`;
}

function pastRow(found, current) {
  return element(
    "button.quiet.wide.past",
    { "aria-current": String(current), onclick: () => go("finetune", { project: found.project_id, run: found.id }) },
    element("span.grow", {}, element("strong", {}, found.name), element("span.faint", {}, standing(found))),
    found.state !== "done" && element(`span.badge.${found.state}`, {}, found.state),
  );
}

/* The project of the video that was reviewed since the last time, or else the one that was last seen here. */
async function lastProject(seen) {
  const video = localStorage.getItem("ctvis.video");
  if (!video || video === seen.video) return Number(localStorage.getItem("ctvis.project"));
  seen.video = video;
  return (await get(`/videos/${video}`)).project_id;
}

export function mount({ element: root }) {
  let here = { project: null, run: null };
  let shown = "";
  let body = null; // what fills the right: {key, enter}
  const seen = {};

  const projects = element("select.text", { id: "finetune-project", onchange: () => go("finetune", { project: Number(projects.value) }) });
  const fresh = element("button.wide", { onclick: () => go("finetune", { project: here.project }) }, icon("plus"), "New fine-tuning");
  const past = element("nav.past-list", { "aria-label": "Fine-tunings" });
  const main = element("section.tune");
  const field = element("label.field", {}, element("span", {}, "Project"), projects);
  root.replaceChildren(element("aside.side", {}, field, fresh, past), main);

  function show() {
    const key = `${here.project} ${here.run}`;
    if (body?.key === key) return body.enter?.();
    main.scrollTop = 0;
    if (!here.project) {
      main.replaceChildren(emptyState("tune", "No project yet", "Correct a video of a project in Review; then a model can learn from that."));
      body = { key };
    } else if (here.run) body = { key, ...mountRun(main, here.run) };
    else body = { key, ...mountForm(main, here.project) };
  }

  const refresh = poll(root, 2000, async () => {
    const known = (await get("/projects")).projects;
    const list = here.project ? (await get(`/projects/${here.project}/finetunes`)).finetunes : [];
    const state = JSON.stringify([known.map(({ id, name }) => [id, name]), here, list, Math.floor(Date.now() / 60_000)]);
    if (state === shown) return;
    shown = state;
    const option = (one) => element("option", { value: String(one.id) }, plainName(one));
    projects.replaceChildren(...known.filter((one) => !isTrial(one)).map(option), ...known.filter(isTrial).map(option));
    projects.value = String(here.project ?? "");
    fresh.disabled = !here.project;
    fresh.setAttribute("aria-current", String(!here.run));
    redraw(past, ...list.map((found) => pastRow(found, found.id === here.run)));
  });

  onEnter("finetune", ({ project, run }) =>
    attempt(async () => {
      const known = (await get("/projects")).projects;
      const of = project ?? (run ? (await get(`/finetunes/${run}`)).project_id : await lastProject(seen));
      const found = known.find(({ id }) => id === of) ?? known.find((one) => one.videos > 0) ?? known[0];
      here = { project: found?.id ?? null, run };
      if (here.project) localStorage.setItem("ctvis.project", here.project);
      show();
      refresh();
    }),
  );
}
