/* Two tracks that may be one object, side by side where one ends and the other begins; the person merges them or not.
   In: the parts of the page. Out: a <dialog> with open(moment), a promise of whether they are the same. */

import { button, el } from "../dom.js";
import { meeting } from "./meeting.js";
import { sideBySide } from "./side_by_side.js";

const WIDTH = 364; // px of a picture

export function createCompare(parts) {
  const { store, session } = parts;
  let answer = null;
  const title = el("h2", {});
  const lead = el("p", {});
  const pictures = el("div", { class: "ct-versions" });
  const give = (same) => {
    answer?.(same);
    answer = null;
    dialog.close();
  };
  const merge = button({ class: "ct-outline ct-main-button", onclick: () => give(true) }, "Merge them", cap("Enter"));
  const cancel = button({ class: "ct-outline", onclick: () => give(false) }, "Cancel", cap("Esc"));
  const dialog = el(
    "dialog",
    { class: "ct-dialog ct-same", "aria-label": "Two tracks side by side" },
    title,
    lead,
    pictures,
    el("footer", { class: "ct-dialog-foot" }, cancel, merge),
  );
  dialog.addEventListener("close", () => dialog.open || give(false)); // it comes late, and may find the next question open

  async function open({ track, other }) {
    const views = viewsOf(store.state, track, other);
    title.textContent = `Are ${nameOf(store, track)} and ${nameOf(store, other)} the same?`;
    lead.textContent = `${leadText(views)} If it is one object, its masks become one track; one step of undo parts them.`;
    pictures.replaceChildren();
    dialog.showModal();
    merge.focus();
    answer?.(false);
    const asked = new Promise((resolve) => (answer = resolve));
    const drawn = await sideBySide(parts, views.map(({ frame, id }) => ({ frame, tracks: [id] })), { width: WIDTH });
    pictures.replaceChildren(...views.map((view, i) => figure(drawn[i], nameOf(store, view.id), view.text)));
    return asked;
  }

  return { root: dialog, open: (moment) => open(moment).catch((error) => failed(error)) };

  function failed(error) {
    give(false);
    session.toast(error.message, { tone: "error" });
    return false;
  }
}

const cap = (text) => el("kbd", { class: "ct-key-cap" }, text);

/** Which frame to show of each track, the earlier one first. */
function viewsOf({ timeline }, track, other) {
  const [frame, otherFrame] = meeting(timeline[track] ?? [], timeline[other] ?? []) ?? [0, 0];
  const [first, last] = [{ id: track, frame }, { id: other, frame: otherFrame }].sort((a, b) => a.frame - b.frame);
  if (frame === otherFrame) return [first, last].map((view) => ({ ...view, text: `frame ${frame}` }));
  return [{ ...first, text: `to frame ${first.frame}` }, { ...last, text: `from frame ${last.frame} on` }];
}

const leadText = ([{ frame }, { frame: later }]) =>
  frame === later ? "In a frame that has both." : "Where one ends and the other begins.";

function figure(picture, name, text) {
  const caption = el("figcaption", {}, el("strong", {}, name), el("span", { class: "ct-faint" }, text));
  return el("figure", { class: "ct-version" }, picture, caption);
}

function nameOf({ state }, id) {
  const track = state.tracks.find((one) => one.id === id);
  return track?.category ? `${track.category} ${id}` : `track ${id}`;
}
