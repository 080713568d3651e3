/* The Models page: the family at the left; at the right one model (model_detail.js), the models that others published, or the form
   that adds one. The address says which: ?view=models&model=NAME. */

import { get } from "./api.js";
import { element, icon, poll, redraw } from "./dom.js";
import { mountAdding } from "./model_add.js";
import { mountModel } from "./model_detail.js";
import { familyRows, matching, treeRow } from "./models_tree.js";
import { mountZoo } from "./models_zoo.js";
import { go, onEnter } from "./shell.js";

const [ZOO, ADD] = ["@zoo", "@add"]; // in the address; no model can be called so
const MANY = 8; // models, from which there is a field to search them

export function mount({ element: root }) {
  let chosen = null;
  let shown = "";
  let models = [];
  let body = null; // what fills the right: {name, refresh}
  let source = ""; // an address to add from

  const search = element("input.text", { type: "search", placeholder: "Search models", "aria-label": "Search models" });
  const tree = element("ul.tree", { role: "tree", "aria-label": "Family of models" });
  const zoo = element("button.quiet.wide", { onclick: () => open(ZOO) }, icon("download"), "Models of others");
  const add = element("button.quiet.wide", { onclick: () => open(ADD) }, icon("plus"), "Add a model");
  const main = element("section.model-main");
  root.replaceChildren(element("aside.side", {}, element("h2", {}, "Models"), search, tree, element("div.side-foot", {}, add, zoo)), main);

  const open = (name) => go("models", { model: name });

  function draw() {
    const rows = matching(familyRows(models), search.value);
    search.hidden = models.length <= MANY;
    redraw(tree, ...rows.map((row) => treeRow(row, row.name === chosen, open)));
    zoo.setAttribute("aria-current", String(chosen === ZOO));
    add.setAttribute("aria-current", String(chosen === ADD));
  }

  function show() {
    if (body?.name === chosen) return body.refresh();
    main.scrollTop = 0;
    const around = { changed: refresh, renamed: (name) => open(name), gone: () => open(models.find(({ name }) => name !== chosen)?.name) };
    body = { name: chosen, refresh: fillMain(around) };
    return body.refresh();
  }

  function fillMain(around) {
    if (chosen === ZOO) return mountZoo(main, (address) => ((source = address), open(ADD)));
    if (chosen !== ADD) return mountModel(main, chosen, around);
    const made = mountAdding(main, { added: (name) => chosen === ADD && main.offsetParent && open(name) }, source);
    source = "";
    return made;
  }

  const refresh = poll(root, 3000, async () => {
    if (document.querySelector(".menu, .dialog")) return; // what the person is about stays as they see it
    models = (await get("/models?starts=true")).models;
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
