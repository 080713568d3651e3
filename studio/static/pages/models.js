/* The Models page: the family at the left; at the right one model (model_detail.js), or the models that others published.
   The address says which: ?view=models&model=NAME. */

import { get } from "./api.js";
import { element, icon, poll, redraw } from "./dom.js";
import { mountModel } from "./model_detail.js";
import { familyRows, matching, treeRow } from "./models_tree.js";
import { mountZoo } from "./models_zoo.js";
import { go, onEnter } from "./shell.js";

const ZOO = "@zoo"; // in the address; no model can be called so
const MANY = 8; // models, from which there is a field to search them

export function mount({ element: root }) {
  let chosen = null;
  let shown = "";
  let models = [];
  let body = null; // what fills the right: {name, refresh}

  const search = element("input.text", { type: "search", placeholder: "Search models", "aria-label": "Search models" });
  const tree = element("ul.tree", { role: "tree", "aria-label": "Family of models" });
  const zoo = element("button.quiet.wide", { onclick: () => open(ZOO) }, icon("download"), "Models of others");
  const main = element("section.model-main");
  root.replaceChildren(element("aside.side", {}, element("h2", {}, "Models"), search, tree, zoo), main);

  const open = (name) => go("models", { model: name });

  function draw() {
    const rows = matching(familyRows(models), search.value);
    search.hidden = models.length <= MANY;
    redraw(tree, ...rows.map((row) => treeRow(row, row.name === chosen, open)));
    zoo.setAttribute("aria-current", String(chosen === ZOO));
  }

  function show() {
    if (body?.name === chosen) return body.refresh();
    main.scrollTop = 0;
    const around = { changed: refresh, renamed: (name) => open(name), gone: () => open(models.find(({ name }) => name !== chosen)?.name) };
    const made = chosen === ZOO ? mountZoo(main) : mountModel(main, chosen, around);
    body = { name: chosen, refresh: made };
    return made();
  }

  const refresh = poll(root, 3000, async () => {
    if (document.querySelector(".menu, .dialog")) return; // what the person is about stays as they see it
    models = (await get("/models")).models;
    chosen ??= (models.findLast(({ parent }) => parent) ?? models.find(({ default_of: used }) => used.length) ?? models[0])?.name;
    const state = JSON.stringify([models, chosen, Math.floor(Date.now() / 60_000)]);
    if (state !== shown) draw();
    const changed = state !== shown;
    shown = state;
    if (chosen && changed) await show();
  });
  search.addEventListener("input", draw);
  onEnter("models", ({ model }) => {
    chosen = model ?? chosen;
    refresh();
  });
}
