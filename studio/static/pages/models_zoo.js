/* The models that others published: their authors' own figures, and how each is added. */

import { get } from "./api.js";
import { attempt, element, fill, notify } from "./dom.js";

function copy(text) {
  return attempt(async () => {
    await navigator.clipboard.writeText(text);
    notify("Copied.");
  });
}

/* A command that one types into a terminal. */
function command(text) {
  return element(
    "div.command",
    {},
    element("code", {}, text),
    element("button", { onclick: () => copy(text) }, "Copy"),
  );
}

const COLUMNS = ["Dataset", "Backbone", "AP, %", "Preset", "Where", "The figure is from"];

function row({ fits, dataset, backbone, ap, source, place }) {
  const file = place.split("/").at(-1);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, dataset),
    element("td", {}, backbone),
    element("td.number", {}, ap === null ? "–" : ap.toFixed(1)),
    element("td", {}, element("code", {}, fits)),
    element("td", {}, element("a", { href: place, target: "_blank", rel: "noreferrer" }, file)),
    element("td.faint", {}, source),
  );
}

export function mountZoo(root) {
  const rows = element("tbody");
  const heading = (words) => element(words === "AP, %" ? "th.number" : "th", { scope: "col" }, words);
  const table = element(
    "table.table",
    {},
    element("thead", {}, element("tr", {}, ...COLUMNS.map(heading))),
    rows,
  );
  fill(
    root,
    element("header.page-head", {}, element("h1", {}, "Models of others")),
    element(
      "div.model-stack",
      {},
      element(
        "section.card",
        {},
        element("h2", {}, "Add a model"),
        element("p.muted", {}, "A file or an address, in a terminal on the machine that the studio runs on. It is checked tensor by tensor and then stands in the list here."),
        command("ctvis-studio models add FILE --preset PRESET"),
      ),
      element(
        "section.card",
        {},
        element("h2", {}, "What is published"),
        table,
        element("p.muted", {}, "AP as their authors print it. None of it was measured by this project. Their licence may forbid commercial use."),
      ),
    ),
  );
  return async () => {
    const { published } = await get("/zoo");
    fill(rows, ...published.map(row));
  };
}
