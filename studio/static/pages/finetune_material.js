/* What a fine-tuning is taught, for a person: numbers, a table of categories, held-out videos, and calm notices.

   In: the summary that the API gives before a run and keeps with it. */

import { element, icon } from "./dom.js";

/* 1, "frame" -> "1 frame" */
export const counted = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;

const listed = new Intl.ListFormat("en");

/* A sentence that a person should see; kinds: info, warning, success, danger. */
export function notice(kind, ...content) {
  const symbol = { success: "check", info: "layers" }[kind] ?? "alert";
  return element(`div.notice.${kind}`, { role: kind === "danger" ? "alert" : "note" }, icon(symbol), element("div.grow", {}, ...content));
}

function number(value, words) {
  return element("div.fact", {}, element("strong", {}, String(value)), element("span.muted", {}, words));
}

function categoryTable(categories) {
  const heading = (words, title) => element(`th${words === "Category" ? "" : ".number"}`, { scope: "col", title }, words);
  const row = ({ name, known, tracks, masks, held_out_masks: judged }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, `${name} `, element(`span.badge.${known ? "known" : "running"}`, {}, known ? "known" : "new")),
      ...[tracks, masks, judged].map((value) => element("td.number", {}, value ? String(value) : "–")),
    );
  return element(
    "table.table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        heading("Category"),
        heading("Tracks", "Objects that have verified masks"),
        heading("Teaching", "Verified masks that teach"),
        heading("Held out", "Verified masks of the videos that judge"),
      ),
    ),
    element("tbody", {}, ...categories.map(row)),
  );
}

function aside(summary) {
  const said = [];
  if (summary.ignored_masks) said.push(`${counted(summary.ignored_masks, "mask")} in these frames that nobody verified teach nothing.`);
  if (summary.rejected_tracks) said.push(`${counted(summary.rejected_tracks, "rejected track")} teach${summary.rejected_tracks === 1 ? "es" : ""} that nothing is there.`);
  return said.join(" ");
}

function heldOut({ videos, frames, share }) {
  if (!frames) return "No video is held out.";
  return `Held out to judge by, never taught: ${listed.format(videos)} (${counted(frames, "frame")}, ${Math.round(100 * share)} %).`;
}

/* The parts of the summary, without its warnings. */
export function material(summary) {
  const shown = summary.categories.filter((one) => one.masks || one.held_out_masks);
  const silent = summary.categories.filter((one) => !one.masks && !one.held_out_masks).map(({ name }) => name);
  const extra = aside(summary);
  return element(
    "div.material",
    {},
    element(
      "div.facts-row",
      {},
      number(summary.videos, summary.videos === 1 ? "video" : "videos"),
      number(summary.frames, "verified frames"),
      number(summary.tracks, "tracks"),
      number(summary.masks, "masks"),
    ),
    shown.length > 0 && categoryTable(shown),
    silent.length > 0 && element("p.muted", {}, `Nothing verified of ${listed.format(silent)}.`),
    element("p.muted", {}, heldOut(summary.held_out)),
    extra && element("p.muted", {}, extra),
  );
}
