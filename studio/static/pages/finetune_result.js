/* What became of a fine-tuning: the verdict, AP before and after by category, and what one does next with the model. */

import { get, post } from "./api.js";
import { attempt, element, fill, icon, notify, redraw } from "./dom.js";
import { counted, notice } from "./finetune_material.js";
import { progressBar, progressText } from "./jobs.js";
import { go } from "./shell.js";

const AP = (value) => (typeof value === "number" ? value.toFixed(3) : "–");

function change(before, after) {
  if (typeof before !== "number" || typeof after !== "number") return element("td.number", {}, "–");
  const by = after - before;
  const kind = Math.abs(by) < 0.0005 ? "" : by > 0 ? ".better" : ".worse";
  return element(`td.number${kind}`, {}, `${by < 0 ? "−" : "+"}${Math.abs(by).toFixed(3)}`);
}

/* AP of the model that was in use and of the new one, over all and for each category. */
export function scoreTable({ before, after }) {
  const row = (name, then, now, kind = "") =>
    element(`tr${kind}`, {}, element("th", { scope: "row" }, name), element("td.number", {}, AP(then)), element("td.number", {}, AP(now)), change(then, now));
  const names = [...new Set([...Object.keys(before.categories), ...Object.keys(after.categories)])];
  const heading = (words) => element(`th${words === "AP on held-out videos" ? "" : ".number"}`, { scope: "col" }, words);
  return element(
    "table.table",
    { id: "finetune-scores" },
    element("thead", {}, element("tr", {}, ...["AP on held-out videos", "Before", "After", "Change"].map(heading))),
    element(
      "tbody",
      {},
      row("All categories", before.AP, after.AP, ".total"),
      ...names.map((name) => row(name, before.categories[name]?.AP, after.categories[name]?.AP)),
    ),
  );
}

/* Runs the model on every video of the project that an earlier one has run on, as that one did. */
async function runAgain(project, model) {
  const { videos } = await get(`/projects/${project}/videos`);
  const wanted = videos.filter((video) => video.state === "ready" && video.run);
  let started = 0;
  for (const video of wanted) {
    const { runs } = await get(`/videos/${video.id}/runs`);
    const { score_threshold, match_threshold, short_edge } = runs.find(({ id }) => id === video.run.id)?.settings ?? {};
    const body = { model, score_threshold, match_threshold, short_edge };
    if (await attempt(() => post(`/videos/${video.id}/runs`, body))) started += 1;
  }
  notify(started ? `${model} runs on ${counted(started, "video")}. What was verified stays.` : "There is no video to run it on.");
}

/* How far the model is on the videos that it runs on. */
function runRow(job) {
  const over = job.state === "done";
  return element(
    "div.again-row",
    { dataset: { job: job.id } },
    element("span.again-name", {}, job.title),
    over ? element("span.grow") : progressBar(job.progress),
    element("span.muted", {}, over ? "done" : progressText(job)),
    element("button", { onclick: () => go("review", { video: job.video_id }) }, "Review"),
  );
}

/* {node, show(fine-tuning)}; `show` resolves to whether the model is running on videos. `changed` is called when there is more to see. */
export function result(changed) {
  let told = ""; // the verdict on show
  let drawn = "";
  const node = element("div", { id: "finetune-result", hidden: true });
  const actions = element("div.tune-actions");
  const runs = element("div.again");

  function tell({ worse, before, after, sentence }) {
    if (told === sentence) return;
    told = sentence;
    fill(
      node,
      notice(worse ? "warning" : "success", element("strong", {}, sentence), worse ? "" : " It became the project's default."),
      element("section.card", {}, before && after && scoreTable({ before, after }), actions, runs),
    );
  }

  function buttons(project, model, busy) {
    if (!model) return [element("span.muted", {}, "The model was deleted.")];
    const again = () => attempt(() => runAgain(project.id, model.name)).then(changed);
    const makeDefault = () => attempt(() => post(`/models/${encodeURIComponent(model.name)}/default`, { project_id: project.id })).then(changed);
    return [
      element("button.primary", { id: "finetune-again", disabled: busy, onclick: again }, icon("play"), "Run again with the new model"),
      model.default_of.includes(project.name)
        ? element("span.badge.done", { id: "finetune-default" }, "default of the project")
        : element("button", { id: "finetune-make-default", onclick: makeDefault }, "Make default"),
      element("button", { onclick: () => go("models", { model: model.name }) }, icon("layers"), "Models"),
    ];
  }

  async function show(found) {
    node.hidden = found.state !== "done" || !found.result;
    if (node.hidden) return false;
    tell(found.result);
    const [{ models }, project, { jobs }] = await Promise.all([get("/models"), get(`/projects/${found.project_id}`), get("/jobs?kind=run&limit=100")]);
    const model = models.find((one) => one.finetune === found.id) ?? null; // under the name that it has now
    const own = jobs.filter((job) => job.model === model?.name && job.project_id === project.id);
    const busy = own.some(({ state }) => state === "queued" || state === "running");
    const state = JSON.stringify([model, own, project.name]);
    if (state !== drawn) {
      drawn = state;
      redraw(actions, ...buttons(project, model, busy));
      fill(runs, ...own.map(runRow));
    }
    return busy;
  }

  return { node, show };
}
