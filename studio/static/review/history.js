/* The history: every edit of this video, newest first, by whom and when; a click shows what it touched, a button goes back
   to how everything was right after it. In: the store's `edits` as the server lists them. Out: an element. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";

const MOST = 200; // rows shown; the server keeps all

export function createHistory(parts) {
  const { store } = parts;
  const list = el("ol", { class: "ct-edits", "aria-label": "Edits, the newest first" });
  const empty = el("p", { class: "ct-empty" }, "Nothing has been changed yet.");
  store.watch(["edits", "tab"], ({ edits }) => {
    const newestFirst = [...edits.edits].sort((a, b) => b.id - a.id).slice(0, MOST);
    list.replaceChildren(...newestFirst.map((edit, i) => createRow(parts, edit, i === 0)), ...beginning(parts, edits.edits));
    empty.hidden = newestFirst.length > 0;
  });
  return el("section", { class: "ct-panel ct-panel-history", "aria-label": "History" }, empty, list);
}

function createRow({ operations }, edit, newest) {
  const { id, summary, op, user, at, undone, own } = edit;
  const name = el("span", { class: own ? "ct-own" : "" }, own ? "you" : user);
  const show = button(
    { class: "ct-edit-main", title: `${summary ?? op}: show what it touched`, onclick: () => operations.show(edit) },
    el("span", { class: "ct-edit-summary" }, summary ?? op),
    el("span", { class: "ct-faint ct-edit-when" }, undone ? "undone · " : "", name, ` · ${sinceText(at)}`),
  );
  const back = newest || undone ? null : goBack(operations, id, `Go back to how it was after “${summary ?? op}”`);
  return el("li", { class: undone ? "ct-edit ct-undone" : "ct-edit", "data-edit": id }, show, back);
}

/** The last row: how everything was before the first edit. */
function beginning({ operations }, edits) {
  if (edits.length === 0) return [];
  const text = el("span", { class: "ct-edit-main ct-faint" }, "As it was predicted");
  return [el("li", { class: "ct-edit", "data-edit": 0 }, text, goBack(operations, 0, "Go back to how it was predicted"))];
}

function goBack(operations, edit, title) {
  const run = () => operations.run("go_back", { edit }, { preview: true });
  return button({ class: "ct-icon-button ct-small ct-go-back", title, "aria-label": title, onclick: run }, icon("undo"));
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
