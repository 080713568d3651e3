/* Where the review of a video stands, whose it is, and who is looking. In: the parts of the page, the notes. Out: an element. */

import { button, el, setText } from "../dom.js";
import { STATES, WAYS } from "./words.js";

export function createReviewState({ store }, notes) {
  const badge = el("span", { class: "ct-state" });
  const ways = el("div", { class: "ct-ways" });
  const names = el("datalist", { id: "ct-people" });
  const assignee = nameField("Assigned to", "nobody", (name) => notes.changeReview({ assignee: name || null }));
  const me = nameField("You are", "say your name", (name) => name && notes.rename(name));
  const why = el("textarea", { class: "ct-input ct-note-text", rows: 2, maxlength: 2000, "aria-label": "Why it is returned" });
  const giveBack = async () => (await notes.changeReview({ state: "returned", comment: why.value })) && close();
  const returning = el(
    "div",
    { class: "ct-returning", hidden: true },
    el("span", {}, "What is to be done?"),
    why,
    el("div", { class: "ct-dialog-foot" }, button({ class: "ct-link", onclick: () => close() }, "Cancel"), button({ class: "ct-outline", onclick: giveBack }, "Return it")),
  );
  const close = () => {
    returning.hidden = true;
    why.value = "";
  };
  const step = (state) => {
    if (state !== "returned") return notes.changeReview({ state });
    returning.hidden = false;
    return why.focus();
  };
  why.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      giveBack();
    }
  });

  const root = el(
    "div",
    { class: "ct-review-state", hidden: true },
    el("div", { class: "ct-state-head" }, badge, ways),
    returning,
    assignee.root,
    me.root,
    names,
  );

  store.watch(["review", "people"], ({ review, people }) => {
    root.hidden = !review;
    if (!review) return;
    badge.dataset.state = review.state;
    setText(badge, STATES[review.state]);
    ways.replaceChildren(...WAYS[review.state].map(([state, text]) => button({ class: "ct-outline", onclick: () => step(state) }, text)));
    assignee.show(review.assignee ?? "");
    me.show(people.me === "local" ? "" : people.me, people.fixed);
    names.replaceChildren(...people.people.map((name) => el("option", { value: name })));
  });
  return root;
}

/** A field for a name: Enter or leaving it gives it to `change`, Escape leaves it as it was. */
function nameField(label, placeholder, change) {
  let known = "";
  const field = el("input", { class: "ct-input", list: "ct-people", maxlength: 200, placeholder, "aria-label": label });
  field.addEventListener("change", () => field.value.trim() !== known && change(field.value.trim()));
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") field.value = known;
    if (event.key === "Enter" || event.key === "Escape") field.blur();
  });
  const show = (name, fixed = false) => {
    known = name;
    field.readOnly = fixed;
    if (document.activeElement !== field) field.value = name;
  };
  return { root: el("label", { class: "ct-name-field" }, el("span", {}, label), field), show };
}
