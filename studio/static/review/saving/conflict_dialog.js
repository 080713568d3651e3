/* Two versions of one mask: theirs, which the studio holds, and mine, which it refused. The person chooses; until then the
   conflict waits in the journal and in the store's `conflicts`, and both versions are kept.
   In: the parts of the page. Out: a <dialog> with open(conflict). */

import { button, el, onKeyWhileShown } from "../dom.js";
import { decodeCounts, encodeCounts } from "../rle.js";
import { loadPicture, maskPicture, partAround } from "./mask_picture.js";
import { unionOfRuns } from "./union.js";

const WIDTH = 240; // px of a picture
const HEIGHT = 540; // px of the frame that is fetched for it
const CHOICES = [
  { id: "theirs", title: "Theirs", text: "In the studio now", act: "Keep theirs", key: "1" },
  { id: "mine", title: "Mine", text: "What you drew", act: "Keep mine", key: "2" },
  { id: "both", title: "Both together", text: "All that is in either", act: "Keep both", key: "3" },
];

/** choose(conflict, counts or null) saves a version; keepTheirs(conflict) lets mine go. */
export function createConflictDialog({ api, store }, { choose, keepTheirs }) {
  let shown = null;
  const title = el("h2", {});
  const versions = el("div", { class: "ct-versions" });
  const later = button({ class: "ct-outline", onclick: () => dialog.close() }, "Decide later");
  const foot = el("p", { class: "ct-faint" }, "Whatever you keep can be undone.");
  const dialog = el(
    "dialog",
    { class: "ct-dialog ct-conflict", "aria-label": "Two versions of a mask" },
    title,
    el("p", {}, "Somebody else, or another tab, has changed this mask since you saw it. Nothing is lost: choose what stays."),
    versions,
    el("footer", { class: "ct-dialog-foot" }, foot, later),
  );
  dialog.addEventListener("close", () => (shown = null));
  onKeyWhileShown(dialog, (event) => {
    const choice = CHOICES.find(({ key }) => key === event.key);
    if (!choice || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    decide(choice.id);
  });

  function decide(id) {
    const conflict = shown;
    if (!conflict) return;
    dialog.close();
    if (id === "theirs") keepTheirs(conflict);
    else choose(conflict, countsOf(conflict, id));
  }

  async function open(conflict) {
    shown = conflict;
    const { track, frame, size } = conflict;
    title.textContent = `Track ${track}, frame ${frame}: two versions`;
    const { video, tracks } = store.state;
    const color = tracks.find(({ id }) => id === track)?.color ?? "#4e79ff";
    const version = video?.id === conflict.video ? video.version : null;
    const masks = CHOICES.map(({ id }) => countsOf(conflict, id)).map((counts) => counts && decodeCounts(counts));
    const part = partAround(masks, size);
    const show = (image) => {
      const pictures = masks.map((runs, i) => maskPicture({ image, masks: [{ runs, color }], size, part, width: WIDTH, label: CHOICES[i].title }));
      versions.replaceChildren(...CHOICES.map((choice, i) => createVersion(choice, pictures[i], masks[i])));
    };
    show(null);
    if (!dialog.open) dialog.showModal();
    versions.querySelector("button")?.focus();
    const image = await loadPicture(api.frameUrl(conflict.video, frame, Math.min(HEIGHT, size[0]), version));
    if (shown === conflict && image) {
      const held = [...versions.querySelectorAll("button")].indexOf(document.activeElement);
      show(image);
      versions.querySelectorAll("button")[Math.max(0, held)].focus();
    }
  }

  function createVersion({ id, title: name, text, act, key }, picture, runs) {
    const said = runs ? text : `${text}: no mask`;
    return el(
      "figure",
      { class: "ct-version" },
      picture,
      el("figcaption", {}, el("strong", {}, name), el("span", { class: "ct-faint" }, said)),
      button({ class: "ct-outline", onclick: () => decide(id) }, act, el("kbd", { class: "ct-key-cap" }, key)),
    );
  }

  return { root: dialog, open, isOpen: () => dialog.open };
}

/** Compressed counts of a version, null for no mask. */
export function countsOf({ mine, theirs }, id) {
  if (id === "mine") return mine;
  if (id === "theirs") return theirs?.counts ?? null;
  if (!mine || !theirs) return mine ?? theirs?.counts ?? null;
  return encodeCounts(unionOfRuns(decodeCounts(mine), decodeCounts(theirs.counts)));
}
