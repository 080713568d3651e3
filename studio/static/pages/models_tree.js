/* The family of models as an indented list: each model below the one that it was fine-tuned from.

   In: the models as the API lists them. Out: rows in the order in which they are drawn. A parent that was deleted keeps its place,
   as a name that cannot be opened. */

import { ago, element } from "./dom.js";

/* [{name, depth, model or null}]; a family's newest branch comes first. */
export function familyRows(models) {
  const byName = new Map(models.map((model) => [model.name, model]));
  const children = new Map(); // name of the parent -> models
  for (const model of models) if (model.parent) children.set(model.parent, [...(children.get(model.parent) ?? []), model]);
  const missing = [...children.keys()].filter((name) => !byName.has(name));
  const roots = [...models.filter(({ parent }) => !parent).map(({ name }) => name), ...missing];
  const newest = (a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? "");
  const rows = [];
  const visit = (name, depth) => {
    rows.push({ name, depth, model: byName.get(name) ?? null });
    for (const child of [...(children.get(name) ?? [])].sort(newest)) visit(child.name, depth + 1);
  };
  for (const root of roots) visit(root, 0);
  return rows;
}

/* The rows whose names contain the words, and the ancestors that lead to them. */
export function matching(rows, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return rows;
  const kept = [];
  let deepest = -1; // of the ancestors that are still wanted, seen from below
  for (const row of [...rows].reverse()) {
    if (row.name.toLowerCase().includes(wanted) || row.depth < deepest) {
      kept.unshift(row);
      deepest = row.depth;
    } else if (row.depth === 0) deepest = -1;
  }
  return kept;
}

export function treeRow({ name, depth, model }, current, open) {
  const facts = element("span.faint", {}, model ? standing(model) : "deleted");
  const words = element("span.grow", {}, element("strong", {}, name), facts);
  const row = element(
    "button.quiet.wide.tree-row",
    { title: name, disabled: !model, "aria-current": String(current), onclick: () => open(name), dataset: { model: name } },
    words,
    model?.default_of.length > 0 && element("span.badge.done", { title: `Default of ${model.default_of.join(", ")}` }, "default"),
  );
  row.style.setProperty("--depth", Math.min(depth, 8));
  return element("li", { "aria-level": String(depth + 1), role: "treeitem" }, row);
}

/* "AP 0.61, +0.12 · 3 days ago", as far as it is known. */
function standing({ ships, untrained, metrics, parent, created_at: at }) {
  const after = metrics?.after?.AP;
  const before = metrics?.before?.AP;
  const change = after - before;
  return [
    ships && "part of the program",
    typeof after === "number" && `AP ${after.toFixed(2)}${Number.isFinite(change) ? `, ${signed(change, 2)}` : ""}`,
    parent && typeof after !== "number" && "not judged",
    !ships && !parent && (untrained.length ? "start for training" : "added"),
    at && ago(at),
  ]
    .filter(Boolean)
    .join(" · ");
}

export const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
