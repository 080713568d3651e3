/* What can be done with a model: make it a project's default, export it, rename it, delete it.

   In: a model as the API gives it, what is to follow {changed, renamed(name), gone()}, and where an export shows how far it is. Out:
   the buttons. */

import { get, patch, post, remove, url } from "./api.js";
import { askName, confirmed } from "./dialog.js";
import { attempt, element, fill, icon, notify } from "./dom.js";
import { isTrial, plainName } from "./manage.js";
import { card, follow } from "./jobs.js";
import { menuButton } from "./menu.js";

const FORMATS = {
  safetensors: "safetensors, with its preset (.zip)",
  ctvis: "For the reference implementation (.pth)",
};

export async function modelActions(model, around, work) {
  const address = `/models/${encodeURIComponent(model.name)}`;
  const { projects } = await get("/projects");
  const candidates = projects.filter((project) => !isTrial(project) && !model.default_of.includes(project.name));

  const makeDefault = (project) =>
    attempt(async () => {
      await post(`${address}/default`, { project_id: project.id });
      notify(`${model.name} is the default of ${plainName(project)}.`);
      around.changed();
    });
  /* The .pth takes a job; it stays for a day. */
  const written = async () => {
    const { job } = await post(`${address}/export`);
    if (job === null) return true;
    const { state, error } = await follow(job, (now) => fill(work, card(now)));
    fill(work);
    if (state === "failed") throw new Error(error);
    return state === "done";
  };
  const take = (format) =>
    attempt(async () => {
      if (format === "ctvis" && !(await written())) return;
      download(format);
    });
  const download = (format) => {
    notify("The download begins in a moment.");
    const anchor = element("a", { href: url(`${address}/export?format=${format}`), download: "" });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
  };
  const rename = () =>
    attempt(async () => {
      const given = await askName("Rename model", model.name);
      if (!given) return;
      await patch(address, { name: given });
      around.renamed(given);
    });
  const discard = () =>
    attempt(async () => {
      if (model.held) throw new Error(model.held);
      const text = "Its file, and the note of what it was taught, go with it. Models that were fine-tuned from it stay. This cannot be undone.";
      if (!(await confirmed(`Delete the model “${model.name}”?`, text, "Delete model"))) return;
      await remove(address);
      notify(`The model “${model.name}” is deleted.`);
      around.gone();
    });

  const more = menuButton(`More for ${model.name}`, [
    { symbol: "pencil", words: "Rename", act: rename },
    { symbol: "trash", words: "Delete", act: discard, danger: true },
  ]);
  return element(
    "div.model-actions",
    {},
    candidates.length > 0 &&
      !model.untrained.length &&
      menuOf("check", "Set as default", candidates.map((project) => ({ symbol: "folder", words: plainName(project), act: () => makeDefault(project) }))),
    menuOf("download", "Export", model.formats.map((format) => ({ symbol: "download", words: FORMATS[format], act: () => take(format) }))),
    !model.ships && more,
  );
}

/* A button with words that opens a list of actions. */
function menuOf(symbol, words, actions) {
  const button = menuButton(words, actions);
  button.classList.remove("quiet", "more");
  button.title = "";
  button.replaceChildren(icon(symbol), words);
  return button;
}
