/* The history: every edit of this video, newest first, undone ones crossed out.
   In: the store's `edits` as the server lists them. Out: an element. Undo itself is a command. */

import { el } from "./dom.js";

const MOST = 200; // rows shown; the server keeps all

export function createHistory({ store }) {
  const list = el("ol", { class: "ct-edits" });
  const empty = el("p", { class: "ct-empty" }, "Nothing has been changed yet.");
  store.watch(["edits"], ({ edits }) => {
    const newestFirst = [...edits.edits].sort((a, b) => b.id - a.id).slice(0, MOST);
    list.replaceChildren(...newestFirst.map(createRow));
    empty.hidden = newestFirst.length > 0;
  });
  return el(
    "section",
    { class: "ct-panel ct-panel-history", "aria-label": "History" },
    el("header", { class: "ct-panel-head" }, el("h2", {}, "History")),
    empty,
    list,
  );
}

function createRow({ summary, op, user, at, undone }) {
  const when = [user, sinceText(at)].filter(Boolean).join(" · ");
  return el(
    "li",
    { class: undone ? "ct-edit ct-undone" : "ct-edit" },
    el("span", { class: "ct-edit-summary" }, summary ?? op),
    el("span", { class: "ct-faint ct-edit-when" }, undone ? "undone" : when),
  );
}

/** "3 min ago" for a time given as ISO text or as seconds since 1970. */
export function sinceText(at, now = Date.now()) {
  const time = typeof at === "number" ? at * 1000 : Date.parse(at);
  if (Number.isNaN(time)) return "";
  const seconds = Math.max(0, (now - time) / 1000);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString();
}
