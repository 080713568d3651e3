/* What stands over the stage when there is nothing, or something special, to show: no video chosen, a failure,
   the model at work. In: the store. Out: an element. */

import { el, setText } from "./dom.js";

const EMPTY = "No tracks yet: run the model on this video, or press N to draw one.";

export function createNotices(store, isRunning) {
  const words = el("span");
  const library = el("a", { href: "?view=library" }, "Open the Library");
  const message = el("div", { class: "ct-notice", role: "status" }, words, library);
  const bar = el("div", { class: "ct-run-bar" });
  const runText = el("span", { class: "ct-numbers" });
  const run = el("div", { class: "ct-run", role: "status" }, runText, el("div", { class: "ct-run-track" }, bar));

  store.watch(["video", "problem", "loading", "tracks"], ({ video, problem, loading, tracks }) => {
    const text = problem || loading || (video ? "" : "Choose a video to review.");
    const hint = video && tracks.length === 0 && !isRunning(video.run) ? EMPTY : "";
    message.hidden = !text && !hint;
    message.classList.toggle("ct-notice-low", !text);
    message.classList.toggle("ct-error", Boolean(problem));
    library.hidden = Boolean(video || loading);
    setText(words, text || hint);
  });
  store.watch(["video"], ({ video }) => {
    run.hidden = !isRunning(video?.run);
    if (run.hidden) return;
    const percent = Math.round((video.run.progress ?? 0) * 100);
    const waiting = video.run.state === "queued";
    setText(runText, waiting ? "Waiting for the model to start" : `The model is at work · ${percent} %`);
    bar.style.width = `${percent}%`;
  });
  return el("div", { class: "ct-notices" }, message, run);
}
