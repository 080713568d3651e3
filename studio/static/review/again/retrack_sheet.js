/* The sheet that tracks the video again: sliders with a sentence each, what would come of it in words, and on the timeline
   at once. In: the parts of the page. Out: the operation, if the person applies it. */

import { button, el, setText } from "../dom.js";
import { counted } from "../operations/sentence.js";
import { LivePreview } from "./live_preview.js";
import { changed, CHECKS, limits, shown, SLIDERS, toPlace, toValue } from "./settings.js";

export async function openRetrack(parts) {
  const { store, operations, sheet, toast } = parts;
  const said = el("p", { class: "ct-sheet-count", role: "status" }, "Looking at what the model saw…");
  const more = el("p", { class: "ct-faint ct-again-more" });
  const fields = el("div", { class: "ct-again-fields" });
  let wanted = null; // the settings as the person has set them
  let base = null; // those of what is shown, and of the run

  const preview = new LivePreview(parts, (answer, problem) => {
    if (problem && !base) {
      sheet.close(null);
      toast(problem.message, { tone: "error" });
      return;
    }
    if (answer && !base) {
      base = answer;
      wanted = { ...answer.settings };
      fill();
    }
    setText(said, problem ? problem.message : `${capital(answer.summary)}.`);
    setText(more, problem ? "" : details(answer));
    sheet.enable(Boolean(answer) && changes(answer));
  });
  const set = (patch) => {
    Object.assign(wanted, patch);
    preview.wish(changed(wanted, base.in_force));
  };
  const fill = () => {
    fields.replaceChildren(
      ...SLIDERS.map((facts) => slider(facts, wanted, base.of_run, set)),
      ...CHECKS.map((facts) => check(facts, wanted, set)),
      button({ class: "ct-link ct-again-reset", onclick: reset }, "As the model ran"),
    );
    fields.querySelector("input").focus({ preventScroll: true });
  };
  const reset = () => {
    Object.assign(wanted, base.of_run);
    fill();
    set({});
  };

  const answer = sheet.open({
    title: "Track the video again",
    content: [
      el("p", { class: "ct-faint" }, "What you drew, moved, deleted or verified stays, and leads the way."),
      fields,
      said,
      more,
    ],
    buttons: [{ text: "Apply", value: true, main: true }, { text: "Cancel", value: null }],
  });
  sheet.root.classList.add("ct-again");
  sheet.enable(false);
  const { rev } = store.state;
  const unwatch = store.watch(["rev"], (state) => state.rev !== rev && base && set({}));
  preview.ask({});
  const agreed = await answer;
  unwatch();
  preview.end();
  sheet.root.classList.remove("ct-again");
  if (agreed) await operations.run("retrack", changed(wanted, base.in_force), { previewed: true });
}

function slider(facts, wanted, ofRun, set) {
  const { name, text, help } = facts;
  const value = el("output", { class: "ct-value" }, shown(facts, wanted[name]));
  const input = el("input", {
    type: "range", class: "ct-slider", "aria-label": text, title: help, "data-setting": name,
    ...limits(facts, name === "select_threshold" ? ofRun.select_threshold : 0), value: toPlace(facts, wanted[name]),
  });
  input.addEventListener("input", () => {
    const chosen = toValue(facts, Number(input.value));
    setText(value, shown(facts, chosen));
    set({ [name]: chosen });
  });
  return el("label", { class: "ct-again-field" }, el("span", {}, text), value, input, el("span", { class: "ct-faint" }, help));
}

function check({ name, text, help, on, off }, wanted, set) {
  const input = el("input", {
    type: "checkbox", checked: wanted[name] === on, "data-setting": name, onchange: () => set({ [name]: input.checked ? on : off }),
  });
  return el("label", { class: "ct-sheet-check", title: help }, input, el("span", {}, text));
}

/** Whether anything would be different; of a long video that is not known yet. */
function changes({ numbers, made, hidden, frames, length }) {
  return numbers.moved + numbers.dropped + numbers.added + made.length + hidden.length > 0 || frames < length;
}

function details({ made, hidden, frames, length }) {
  if (frames < length) return "Looking at the other frames…";
  const parts = [made.length && counted(made.length, "new track"), hidden.length && `${counted(hidden.length, "track")} gone`];
  return parts.filter(Boolean).join(", ");
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
