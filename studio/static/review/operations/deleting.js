/* Delete: everywhere, from here on, before here, in this frame, in the span, and all that scores below a number.
   In: the selection, the span and the frame on show. Out: bindings. */

import { ApiError } from "../api.js";
import { el, setText } from "../dom.js";
import { needMaskHere, needMaskWithin, needSelection, needSpan, needTracks } from "../reasons.js";
import { isRunning } from "../session.js";
import { counted } from "./sentence.js";

const FIRST_SCORE = 0.5; // where the slider stands
const AFTER = 120; // ms without a change, until the count is asked for

export function createDeleting({ store, session, operations, sheet }) {
  const remove = (start, stop) => operations.run("delete", { tracks: store.state.selection, start, stop });
  const bind = (id, keys, text, run, when = needSelection) => ({ id, group: "Delete", keys, text, run, when, menu: true });
  const here = () => store.state.want;
  const within = (range, where) => (state) => needMaskWithin(session, state, range(state), where);
  const onwards = within(({ want }) => ({ start: want, stop: null }), "from here on");
  const fromHere = (state) => (isRunning(state.video?.run) ? needSelection(state) : onwards(state)); // more of it may come
  const beforeHere = within(({ want }) => ({ start: 0, stop: want }), "before this frame");
  const inSpan = (state) => needSpan(state) ?? needMaskWithin(session, state, state.span, "in the chosen span");

  return {
    bindings: [
      bind("delete", ["Delete", "Backspace"], "Delete everywhere", () => remove(null, null)),
      bind("deleteFrom", ["Shift+Delete", "Shift+Backspace"], "Delete from here on", () => remove(here(), null), fromHere),
      bind("deleteBefore", ["Alt+Delete", "Alt+Backspace"], "Delete before here", () => remove(null, here()), beforeHere),
      bind("deleteHere", ["Ctrl+Delete", "Ctrl+Backspace"], "Delete in this frame", () => remove(here(), here() + 1), needMaskHere(session)),
      bind("deleteSpan", ["Alt+Shift+Delete", "Alt+Shift+Backspace"], "Delete in the span",
        () => remove(store.state.span.start, store.state.span.stop), inSpan),
      { ...bind("deleteBelow", ["Shift+S"], "Delete all below a score…", () => deleteBelow({ store, operations, sheet }), needTracks) },
    ],
  };
}

/** A sheet with a slider; what would go is counted while it moves. */
async function deleteBelow({ store, operations, sheet }) {
  const { selection } = store.state;
  const body = { score: FIRST_SCORE, tracks: selection.length ? selection : null, whole_tracks: false, include_verified: false };
  const value = el("output", { class: "ct-value" });
  const said = el("p", { class: "ct-sheet-count", role: "status" });
  let turn = 0;
  let timer = null;

  const count = async () => {
    const own = ++turn;
    let text;
    let possible = false;
    try {
      const { masks, tracks, spared } = await operations.preview("delete_below", body);
      possible = masks > 0;
      text = possible ? `${counted(masks, "mask")} of ${counted(tracks.length, "track")} would go.` : "Nothing scores less.";
      if (spared) text += ` ${counted(spared, "verified one")} would stay.`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      text = error.message;
    }
    if (own !== turn) return;
    setText(said, text);
    sheet.enable(possible);
  };
  const change = (patch) => {
    Object.assign(body, patch);
    setText(value, body.score.toFixed(2));
    clearTimeout(timer);
    timer = setTimeout(count, AFTER);
  };
  const slider = el("input", {
    type: "range", class: "ct-slider", min: 0, max: 1, step: 0.01, value: FIRST_SCORE, "aria-label": "Score", "data-first": true,
  });
  slider.addEventListener("input", () => change({ score: Number(slider.value) }));
  const check = (text, changed, checked = false) => {
    const input = el("input", { type: "checkbox", checked, onchange: () => change(changed(input.checked)) });
    return el("label", { class: "ct-sheet-check" }, input, text);
  };
  setText(value, body.score.toFixed(2));
  const answer = sheet.open({
    title: "Delete all below a score?",
    content: [
      el("label", { class: "ct-sheet-slider" }, el("span", {}, "Score"), slider, value),
      check("Whole tracks by their score, not single masks", (on) => ({ whole_tracks: on })),
      selection.length ? check("Only the selected tracks", (on) => ({ tracks: on ? selection : null }), true) : null,
      check("Verified ones too", (on) => ({ include_verified: on })),
      said,
    ].filter(Boolean),
    buttons: [{ text: "Delete", value: true, main: true, danger: true }, { text: "Cancel", value: null }],
  });
  sheet.enable(false);
  await count();
  const agreed = await answer;
  clearTimeout(timer);
  if (agreed) await operations.run("delete_below", body, { previewed: true });
}
