/* The tab "Notes": where the review of the video stands and whose it is, and the comments on it.
   In: the notes, the store, go(comment), write(). Out: an element. */

import { button, el, setText } from "../dom.js";
import { sinceText } from "../history.js";
import { createReviewState } from "./review_state.js";
import { nameOf, personOf } from "./words.js";

/** actions: {go(comment), write()} */
export function createNotesPanel(parts, notes, { go, write }) {
  const { store, bindings } = parts;
  let resolvedToo = false;
  const list = el("ol", { class: "ct-notes" });
  const empty = el("p", { class: "ct-empty" });
  const toggle = button({ class: "ct-link", onclick: () => show((resolvedToo = !resolvedToo)) });
  const add = button({ class: "ct-outline", onclick: write }, "New note", el("kbd", { class: "ct-key-cap" }));

  function show() {
    const { comments, note } = store.state;
    const listed = [...comments].reverse().filter((comment) => resolvedToo || !comment.resolved_at);
    if (!list.querySelector("textarea")) list.replaceChildren(...listed.map((comment) => createNote(parts, notes, comment, go)));
    for (const element of list.children) element.classList.toggle("ct-selected", Number(element.dataset.note) === note);
    const settled = comments.filter(({ resolved_at: resolved }) => resolved).length;
    toggle.hidden = settled === 0;
    setText(toggle, resolvedToo ? "Hide resolved" : `Show ${settled} resolved`);
    empty.hidden = listed.length > 0;
    setText(empty, `No ${comments.length ? "open " : ""}notes. A note stays with the frame and the track that it is about.`);
    setText(add.lastChild, bindings.keyOf("note"));
  }
  store.watch(["comments", "note", "tracks", "people", "keys"], show);
  store.watch(["note"], () => list.querySelector(".ct-selected")?.scrollIntoView({ block: "nearest" }));

  const head = el("header", { class: "ct-panel-head" }, el("h2", {}, "Notes"), el("div", { class: "ct-spring" }), toggle, add);
  return el("section", { class: "ct-panel ct-notes-panel", "aria-label": "Notes" }, createReviewState(parts, notes), head, empty, list);
}

function createNote({ store }, notes, comment, go) {
  const { tracks, people } = store.state;
  const { id, frame, track_id: track, text, user, at, resolved_by: resolver } = comment;
  const mine = user === people.me;
  const where = [track === null ? null : nameOf(tracks, track), frame === null ? null : `frame ${frame}`].filter(Boolean);
  const words = el("p", { class: "ct-note-words" }, text);
  const place = where.length
    ? button({ class: "ct-link ct-note-place", onclick: () => go(comment) }, where.join(", "))
    : el("span", { class: "ct-faint" }, "whole video");
  const act = (label, run) => button({ class: "ct-link", onclick: run }, label);
  const acts = el(
    "div",
    { class: "ct-note-acts" },
    act(resolver ? "Open again" : "Resolve", () => notes.resolve(comment, !resolver)),
    mine ? act("Edit", () => edit(words, comment, notes)) : null,
    mine ? act("Delete", () => notes.remove(comment)) : null,
  );
  const done = resolver ? el("span", { class: "ct-faint" }, `resolved by ${personOf(resolver, people)}`) : null;
  return el(
    "li",
    { class: resolver ? "ct-note ct-note-resolved" : "ct-note", "data-note": id },
    el("div", { class: "ct-note-head" }, el("strong", {}, personOf(user, people)), el("span", { class: "ct-faint" }, sinceText(at)), place),
    words,
    done,
    acts,
  );
}

/** Puts a field in the place of the words until they are kept (Enter) or left as they were (Escape). */
function edit(words, comment, notes) {
  const field = el("textarea", { class: "ct-input ct-note-text", rows: 3, maxlength: 2000, "aria-label": "Note" });
  field.value = comment.text;
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const kept = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!kept && event.key !== "Escape") return;
    event.preventDefault();
    field.replaceWith(words);
    const text = field.value.trim();
    if (kept && text && text !== comment.text) notes.rewrite(comment, text);
  });
  words.replaceWith(field);
  field.focus();
}
