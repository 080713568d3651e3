/* A new fine-tuning: what it would be taught, from which model, with which settings, how long it takes, and the button. */

import { get, post } from "./api.js";
import { attempt, duration, element, fill, icon, notify } from "./dom.js";
import { counted, material, notice } from "./finetune_material.js";
import { settingsForm } from "./finetune_settings.js";
import { go } from "./shell.js";

const SHAPES = ["trained", "short_edge", "clips", "length", "autocast"]; // settings that the time of a step depends on

export function mountForm(root, project) {
  let overview = null;
  let parent = null; // chosen by the person; null: the one that the studio proposes
  let changed = {}; // settings that the person changed
  let form = null;
  const speeds = new Map(); // seconds per step, by the settings that they depend on

  const names = element("input.text", { id: "finetune-name", maxLength: 100 });
  const models = element("select.text", { id: "finetune-parent" });
  const time = element("div.expected", { role: "status" });
  const start = element("button.primary.wide", { id: "finetune-start", onclick: begin }, icon("tune"), "Start fine-tuning");
  const measure = element("button", { id: "finetune-measure", onclick: measured }, icon("clock"), "Measure");
  models.addEventListener("change", () => load(models.value));

  const settings = () => ({ ...overview.settings, ...changed });
  const shape = (values) => JSON.stringify(SHAPES.map((name) => values[name]));

  function known(answer) {
    if (answer.seconds_per_step !== null) speeds.set(shape(answer.settings), answer.seconds_per_step);
  }

  async function load(model = parent) {
    const answer = await attempt(() => get(`/projects/${project}/finetune${model ? `?model=${encodeURIComponent(model)}` : ""}`));
    if (!answer || !root.isConnected) return;
    if (model !== parent) speeds.clear();
    parent = model;
    overview = answer;
    known(answer);
    draw();
  }

  async function measured() {
    measure.disabled = true;
    fill(time, element("i.spinner"), element("span.muted", {}, "Taking a few steps to see how long they take …"));
    const answer = await attempt(() => post(`/projects/${project}/finetune/measure`, { model: overview.model, settings: changed }));
    measure.disabled = false;
    if (answer) known(answer);
    const { autocast } = answer?.settings ?? overview.settings; // half precision may be proposed now
    overview = { ...overview, settings: { ...overview.settings, autocast } };
    draw();
  }

  async function begin() {
    start.disabled = true;
    const body = { model: overview.model, settings: changed };
    if (names.value.trim() && names.value !== overview.name) body.name = names.value.trim();
    const found = await attempt(() => post(`/projects/${project}/finetune`, body));
    start.disabled = false;
    if (found) go("finetune", { project, run: found.id });
  }

  function expect() {
    changed = form.values();
    const { steps } = settings();
    const seconds = speeds.get(shape(settings()));
    fill(
      time,
      seconds === undefined
        ? element("span.muted", {}, "How long it takes has not been measured with these settings.")
        : element("span", {}, element("strong", {}, `About ${duration(seconds * steps)}`), element("span.muted", {}, ` for training: ${counted(steps, "step")} of ${seconds.toPrecision(2)} s`)),
      seconds === undefined && measure,
    );
  }

  function draw() {
    const { summary, finetunes } = overview;
    const before = finetunes.filter(({ state }) => state === "running" || state === "queued");
    models.replaceChildren(...overview.models.map((name) => element("option", { value: name }, name)));
    models.value = overview.model;
    const typed = names.value !== names.placeholder ? names.value : "";
    names.placeholder = overview.name;
    names.value = typed || overview.name;
    start.disabled = !summary.ready;
    form = settingsForm(overview.settings, overview.help, changed, expect);
    fill(
      root,
      element("header.page-head", {}, element("h1", {}, "Fine-tune on corrections")),
      element(
        "div.tune-columns",
        {},
        element(
          "div.tune-stack",
          {},
          ...summary.warnings.map((words) => notice("warning", words)),
          summary.dropped.length > 0 && droppedNotice(),
          element("section.card", {}, element("h2", {}, "What it learns from"), material(summary)),
        ),
        element(
          "div.tune-stack",
          {},
          element(
            "section.card.tune-form",
            {},
            element("label.field", {}, element("span", {}, "Begins with the model"), models),
            overview.model !== overview.in_use && anewNotice(),
            element("label.field", {}, element("span", {}, "Name of the new model"), names),
            time,
            start,
            before.length > 0 && element("p.muted", {}, `It waits until ${before.length === 1 ? `“${before[0].name}” is` : `the ${before.length} before it are`} done.`),
          ),
          element("section.card", {}, element("h2", {}, "Settings"), form.node),
        ),
      ),
    );
    expect();
  }

  function anewNotice() {
    const words = `Taught anew with all that is verified, and compared with ${overview.in_use}, which the project uses.`;
    return element("p.muted", { id: "finetune-anew" }, words);
  }

  function droppedNotice() {
    const { dropped } = overview.summary;
    const add = (wanted) =>
      attempt(async () => {
        for (const name of wanted) await post(`/projects/${project}/categories`, { name });
        notify(wanted.length === 1 ? `“${wanted[0]}” is a category of the project now.` : `${wanted.length} categories are the project's now.`);
        await load();
      });
    const chip = (name) => element("button.chip", { title: `Add “${name}” to the project`, onclick: () => add([name]) }, icon("plus"), name);
    return notice(
      "info",
      element("strong", {}, "The project's categories replace the model's"),
      element("p", {}, `The new model will not find these any more, which ${overview.model} finds. Add those that it should go on finding to the project.`),
      element(
        "div.chips",
        {},
        ...dropped.map(chip),
        dropped.length > 1 && element("button.chip.all", { id: "finetune-add-all", onclick: () => add(dropped) }, icon("plus"), "Add all"),
      ),
    );
  }

  fill(root, element("header.page-head", {}, element("h1", {}, "Fine-tune on corrections")), element("p.muted", {}, "Looking at what was verified …"));
  load();
  return { enter: () => load() };
}
