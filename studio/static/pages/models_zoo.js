/* The models that others published: their authors' own figures, and where each is to be had.

   mountZoo(root, add): `add(address)` is called for a file that can be fetched without a browser. */

import { get } from "./api.js";
import { element, fill } from "./dom.js";

const IS_FILE = /\.(pth|pkl|safetensors)$/;

const COLUMNS = ["Dataset", "Backbone", "AP, %", "Preset", "Where", "The figure is from"];

function row({ fits, dataset, backbone, ap, source, place }, add) {
  const file = place.split("/").at(-1);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, dataset),
    element("td", {}, backbone),
    element("td.number", {}, ap === null ? "–" : ap.toFixed(1)),
    element("td", {}, element("code", {}, fits)),
    element("td", {}, element("a", { href: place, target: "_blank", rel: "noreferrer" }, file)),
    element("td.faint", {}, source || (IS_FILE.test(place) && element("button", { onclick: () => add(place) }, "Add"))),
  );
}

export function mountZoo(root, add) {
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
        element("h2", {}, "What is published"),
        table,
        element("p.muted", {}, "AP as their authors print it. None of it was measured by this project. Their licence may forbid commercial use. Files of the CTVIS authors lie with a file-sharing service: fetch them with a browser, then add them here."),
      ),
    ),
  );
  return async () => {
    const { published } = await get("/zoo");
    fill(rows, ...published.map((one) => row(one, add)));
  };
}
