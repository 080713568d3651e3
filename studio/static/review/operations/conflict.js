/* What is shown when an operation is refused because others changed the same tracks and frames unseen: who did what and
   when, and what one's own operation would do now. In: the server's list of edits. Out: a promise of the body to do anyway,
   or null to keep theirs. Masks drawn at the same time are another case (saving/). */

import { button, el } from "../dom.js";
import { sinceText } from "../history.js";
import { confirmOperation } from "./preview.js";

const MOST = 5; // of their edits

export async function settleConflict(parts, sheet, name, body, edits) {
  await parts.session.refreshNow();
  const rows = edits.slice(-MOST).map((edit) => createRow(parts, edit));
  const lead = el(
    "div",
    { class: "ct-sheet-theirs" },
    el("p", {}, "These tracks were changed since you looked at them:"),
    el("ul", { class: "ct-sheet-edits" }, rows),
  );
  return confirmOperation(parts, sheet, name, body, { lead, yes: "Do mine", no: "Keep theirs" });
}

function createRow({ navigator }, { summary, user, at, first_frame: frame }) {
  const look = frame === null ? null : button({ class: "ct-link", onclick: () => navigator.go(frame) }, "Look");
  return el("li", {}, el("span", {}, summary, el("span", { class: "ct-faint" }, ` ${user} · ${sinceText(at)}`)), look);
}
