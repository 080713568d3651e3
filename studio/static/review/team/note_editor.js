/* Where a note is written: a small sheet over the stage. Enter keeps it, Shift+Enter begins a line, Escape leaves; what was
   written then is still there the next time. In: the store, keep(note). Out: an element with open(pin). */

import { button, el, setText } from "../dom.js";
import { nameOf } from "./words.js";

export function createNoteEditor({ store, keyOf }, keep) {
  let pin = { frame: null, track: null };
  const title = el("strong", {});
  const text = el("textarea", { class: "ct-input ct-note-text", rows: 3, maxlength: 2000, "aria-label": "Note" });
  const close = () => {
    root.hidden = true;
    text.blur();
  };
  const send = () => {
    if (text.value.trim()) keep({ text: text.value, ...pin });
    text.value = "";
    close();
  };
  const root = el(
    "div",
    { class: "ct-note-editor", role: "dialog", "aria-label": "Write a note", hidden: true },
    title,
    text,
    el(
      "footer",
      { class: "ct-dialog-foot" },
      button({ class: "ct-link", onclick: close }, "Cancel"),
      button({ class: "ct-outline ct-main-button", onclick: send }, "Keep the note", el("kbd", { class: "ct-key-cap" }, "Enter")),
    ),
  );
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey && event.target === text) {
      event.preventDefault();
      send();
    }
  });
  store.watch(["video"], ({ video }) => {
    if (!video) root.hidden = true;
  });

  /** pin: {frame or null, track or null} */
  function open(wanted) {
    pin = wanted;
    setText(title, titleOf(store.state, pin));
    root.hidden = false;
    text.focus();
  }
  return { root, open, hint: () => keyOf("note") };
}

function titleOf({ tracks }, { frame, track }) {
  if (frame === null && track === null) return "Note on the whole video";
  const where = frame === null ? "" : ` in frame ${frame}`;
  return track === null ? `Note on frame ${frame}` : `Note on ${nameOf(tracks, track)}${where}`;
}
