/* Says what an operation would do before it is done: masks, frames, tracks, verified ones, and a choice where masks meet.
   In: the operation's name and body. Out: a promise of the body as agreed, null if the person does not want it.
   Follows the video: when something changes meanwhile, what is said changes too. Does nothing itself. */

import { ApiError } from "../api.js";
import { button, el, setText } from "../dom.js";
import { counted, framesText, question, spansText, trackName } from "./sentence.js";
import { choices } from "./sheet.js";

const MOST_TRACKS = 5; // named one by one
const RULES = [
  { value: "first", text: "Keep the mask of the track that receives" },
  { value: "larger", text: "Keep the larger mask" },
  { value: "union", text: "Join both into one mask" },
];
const TAKEN = [
  { value: "take", text: "Take them from the other track" },
  { value: "leave", text: "Leave them to the other track" },
];

/** lead: a sentence above all; yes, no: what the buttons say. */
export async function confirmOperation(parts, sheet, name, body, { lead = null, yes = "Do it", no = "Cancel" } = {}) {
  const { operations, store } = parts;
  const asked = { ...body };
  if (asked.overlap === "refuse") asked.overlap = "first";
  let said;
  try {
    said = await operations.preview(name, asked);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!lead) {
      parts.toast(error.message, { tone: "error" });
      return null;
    }
    const gone = `Yours can no longer be done: ${error.message}`;
    const buttons = [{ text: no, value: null, main: true }];
    await sheet.open({ title: "Changed in the meantime", content: [lead, note(gone)], buttons });
    return null;
  }

  const content = el("div", { class: "ct-sheet-facts" });
  const show = () => content.replaceChildren(...describe(parts, said, asked, ask));
  const ask = async (change = {}) => {
    Object.assign(asked, change);
    try {
      const fresh = await operations.preview(name, asked);
      if (!sheet.shown) return;
      said = fresh;
      show();
      setText(lead ? sheet.body.querySelector(".ct-sheet-lead") : sheet.title, question(said.summary));
      sheet.enable(true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      content.replaceChildren(note(error.message));
      sheet.enable(false);
    }
  };
  show();
  const { rev } = store.state;
  const end = store.watch(["rev"], (state) => state.rev !== rev && ask());
  const agreed = await sheet.open({
    title: lead ? "Changed in the meantime" : question(said.summary),
    content: [lead, lead && el("p", { class: "ct-sheet-lead" }, question(said.summary)), content].filter(Boolean),
    buttons: [{ text: yes, value: true, main: true }, { text: no, value: null }],
  });
  end();
  if (!agreed) return null;
  return said.overlapping ? asked : { ...asked, ...("overlap" in body && { overlap: "refuse" }) };
}

function describe(parts, said, asked, ask) {
  const { store } = parts;
  const rows = said.tracks.slice(0, MOST_TRACKS).map(({ track, masks }) => trackRow(store.state.tracks, track, masks));
  const more = said.tracks.length - MOST_TRACKS;
  if (more > 0) rows.push(el("li", { class: "ct-faint" }, `and ${counted(more, "more track")}`));
  return [
    el("p", {}, `${counted(said.masks, "mask")} in ${framesText(said.frames)}`),
    rows.length > 0 && said.masks > 0 ? el("ul", { class: "ct-sheet-tracks" }, rows) : null,
    stays(store.state.tracks, asked, ask),
    said.verified > 0 ? note(`${counted(said.verified, "of them is", "of them are")} verified.`) : null,
    said.spared > 0 || asked.include_verified ? spared(said, asked, ask) : null,
    said.overlapping > 0 ? overlaps(parts, said, asked, ask) : null,
    said.unfinished ? note("These are the first that were worked out; the rest comes when it is done.") : null,
  ].filter(Boolean);
}

function trackRow(tracks, id, masks) {
  const swatch = el("span", { class: "ct-swatch" });
  swatch.style.setProperty("--swatch", tracks.find((track) => track.id === id)?.color ?? "transparent");
  const name = el("span", { class: "ct-ellipsis" }, trackName(tracks, id));
  return el("li", {}, swatch, name, el("span", { class: "ct-faint" }, counted(masks, "mask")));
}

/** The tracks of a merge, if they are few enough to choose from. */
function merged({ into, tracks }) {
  return into && tracks.length < MOST_TRACKS ? [into, ...tracks].sort((a, b) => a - b) : [];
}

/** Which of them keeps its number and colour. */
function stays(tracks, asked, ask) {
  const all = merged(asked);
  if (all.length === 0) return null;
  const options = all.map((id) => ({ value: id, text: `${trackName(tracks, id)} stays` }));
  return choices("into", options, asked.into, (into) => ask({ into, tracks: all.filter((id) => id !== into) }));
}

function spared(said, asked, ask) {
  const change = () => ask({ include_verified: input.checked });
  const input = el("input", { type: "checkbox", checked: asked.include_verified, onchange: change });
  const left = `${counted(said.spared, "verified mask")} left alone; change them too`;
  const text = asked.include_verified ? "Verified ones too" : left;
  return el("label", { class: "ct-sheet-check" }, input, text);
}

function overlaps(parts, said, asked, ask) {
  const [first] = said.overlaps[0];
  const go = button({ class: "ct-link", onclick: () => parts.navigator.go(first) }, "Look");
  if (asked.taken) {
    return el(
      "div",
      { class: "ct-sheet-overlaps" },
      el("p", {}, `Another track shows it in ${counted(said.overlapping, "frame")}: ${spansText(said.overlaps)}.`, go),
      choices("taken", TAKEN, asked.taken, (taken) => ask({ taken })),
    );
  }
  return el(
    "div",
    { class: "ct-sheet-overlaps" },
    el("p", {}, `Two masks meet in ${counted(said.overlapping, "frame")}: ${spansText(said.overlaps)}.`, go),
    choices("overlap", RULES, asked.overlap, (overlap) => ask({ overlap }), merged(asked).length),
  );
}

const note = (text) => el("p", { class: "ct-sheet-note" }, text);
