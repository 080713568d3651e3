/* What waits: changes that the studio has not got yet, and masks of which there are two versions. Stands over the stage only
   while there is something. In: the store's `saving` and `conflicts`. Out: an element. */

import { button, el, setText } from "../dom.js";

const MOST = 6; // changes named

/** actions: {retry(), compare()}; kept() -> whether what waits survives the closing of the page. */
export function createWaiting(store, { retry, compare, kept }) {
  const text = el("strong");
  const why = el("span", { class: "ct-waiting-why" });
  const list = el("ol", { class: "ct-waiting-list" });
  const details = el("details", {}, el("summary", {}, "What they are"), list);
  const changes = el(
    "div",
    { class: "ct-waiting", role: "status" },
    el("div", { class: "ct-waiting-head" }, text, button({ class: "ct-link", onclick: retry }, "Send now")),
    why,
    details,
  );
  const conflictText = el("strong");
  const conflicts = el(
    "div",
    { class: "ct-waiting ct-waiting-conflict", role: "status" },
    el("div", { class: "ct-waiting-head" }, conflictText, button({ class: "ct-link", onclick: compare }, "Compare")),
  );

  store.watch(["saving"], ({ saving }) => {
    const { state, pending, message, waiting = [] } = saving;
    changes.hidden = state !== "failed";
    if (changes.hidden) return;
    setText(text, pending === 1 ? "1 change waits for the studio" : `${pending} changes wait for the studio`);
    const safe = kept() ? "They are kept in this browser and sent as soon as it answers." : "Keep this page open until they are sent.";
    setText(why, `${message} ${safe}`);
    const named = waiting.slice(0, MOST).map((record) => el("li", {}, record.text));
    if (waiting.length > MOST) named.push(el("li", { class: "ct-faint" }, `and ${waiting.length - MOST} more`));
    list.replaceChildren(...named);
    details.hidden = named.length === 0;
  });
  store.watch(["conflicts"], ({ conflicts: found }) => {
    conflicts.hidden = !found?.length;
    setText(conflictText, found?.length === 1 ? "1 mask has two versions" : `${found?.length} masks have two versions`);
  });
  return el("div", { class: "ct-waitings" }, changes, conflicts);
}
