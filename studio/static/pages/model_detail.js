/* One model: where it comes from, how it did before and after, what it was taught, who uses it. What can be done with it is in
   model_actions.js. */

import { get, url } from "./api.js";
import { ago, element, emptyState, fill, icon } from "./dom.js";
import { curves } from "./finetune_curves.js";
import { material, notice } from "./finetune_material.js";
import { scoreTable } from "./finetune_result.js";
import { settingsList } from "./finetune_settings.js";
import { modelActions } from "./model_actions.js";
import { beforeAfter } from "./model_pictures.js";
import { go } from "./shell.js";

const MEGABYTE = 1e6;

/* A part of the page; without content it is left out. */
const card = (title, ...content) => content.some(Boolean) && element("section.card", {}, element("h2", {}, title), ...content);

const fold = (title, ...content) => content.some(Boolean) && element("details.fold.card", {}, element("summary", {}, title), ...content);

/* A link to another page of the studio. */
function link(words, page, ids) {
  const asked = new URLSearchParams({ view: page, ...ids });
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(page, ids);
  };
  return element("a", { href: `?${asked}`, onclick: follow }, words);
}

function origin({ ships, parent, course, created_at: at, source }) {
  const parts = [
    ships && "Part of the program",
    parent && element("span", {}, "Fine-tuned from ", link(parent, "models", { model: parent })),
    course && element("span", {}, "in ", link(course.project, "finetune", { project: course.project_id, run: course.finetune })),
    source && element("span.source", { title: source }, `Added from ${source}`),
    at && element("span", { title: at }, ago(at)),
  ].filter(Boolean);
  return element("p.muted.origin", {}, ...parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
}

function scores({ parent, metrics, course }) {
  if (!parent) return null;
  const judged = metrics?.before && metrics?.after;
  const words = course?.result?.sentence ?? (judged ? "" : "It was not judged, for no video was held out.");
  return card("On the held-out videos", judged && scoreTable(metrics), words && element("p.muted", {}, words));
}

function taughtPart({ name, course, taught, snapshot }) {
  if (!taught) return null;
  const video = (one) =>
    element(
      "li",
      {},
      one.video ? link(one.name, "review", { video: one.video }) : element("span", {}, `${one.name} (deleted)`),
      element("span.muted", {}, one.frames === 1 ? "1 frame" : `${one.frames} frames`),
      one.held_out && element("span.badge", { title: "Judges, and never teaches" }, "held out"),
    );
  const people = taught.people.join(", ");
  return card(
    "What it was taught",
    course && material(course.summary),
    element("ul.taught-videos", {}, ...taught.videos.map(video)),
    element("p.muted", {}, `From ${taught.edits === 1 ? "1 entry" : `${taught.edits} entries`} of the history${people && `, by ${people}`}.`),
    element(
      "div.command",
      {},
      element("code", { title: `sha256 ${snapshot}` }, `snapshot ${snapshot.slice(0, 16)}`),
      element("a.button", { href: url(`/models/${encodeURIComponent(name)}/snapshot.json`), download: "" }, icon("download"), "Snapshot"),
    ),
  );
}

function usedBy({ default_of: projects, uses, held, ships }) {
  const run = ({ project, video, video_id: id, runs }) =>
    element("li", {}, link(video, "review", { video: id }), element("span.muted", {}, project), runs > 1 && element("span.badge", {}, `${runs} runs`));
  return card(
    "Who uses it",
    element("p", {}, projects.length ? `Default of ${projects.join(", ")}.` : "It is no project's default."),
    uses.length ? element("ul.taught-videos", {}, ...uses.map(run)) : element("p.muted", {}, "It has not run on any video that is still there."),
    held && !ships && element("p.muted", { id: "model-held" }, held),
  );
}

function net({ facts, bytes, sha256, categories }) {
  const all = { ...facts, file: bytes && `${(bytes / MEGABYTE).toFixed(1)} MB`, sha256, categories: categories.join(", ") };
  const rows = Object.entries(all).filter(([, value]) => value);
  const row = ([key, value]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, value));
  return fold("The net", element("table.table.facts-table", {}, element("tbody", {}, ...rows.map(row))));
}

/* around: {changed, renamed(name), gone()}. Returns a function that asks for the model again. */
export function mountModel(root, name, around) {
  let shown = "";
  const work = element("div.job-list"); // exports under way
  return async () => {
    const model = await get(`/models/${encodeURIComponent(name)}`).catch((error) => ({ error }));
    const state = JSON.stringify(model.error ? model.error.message : model);
    if (state === shown) return;
    shown = state;
    if (model.error) return void fill(root, emptyState("layers", `There is no model “${name}”`, model.error.message));
    const charts = model.course && curves();
    fill(
      root,
      element("header.page-head", {}, element("h1", { title: name }, name), element("span.grow"), await modelActions(model, around, work)),
      origin(model),
      element(
        "div.model-stack",
        {},
        work,
        model.untrained.length > 0 && notice("warning", `A start for training, not a model to use: ${model.untrained.join(" and ")} are random.`),
        element("div.model-columns", {}, element("div.model-stack", {}, scores(model), usedBy(model)), taughtPart(model)),
        model.course && beforeAfter(model),
        charts?.node,
        model.settings && fold("Settings of the training", settingsList(model.settings, model.help)),
        net(model),
      ),
    );
    charts?.draw(model.course);
  };
}
