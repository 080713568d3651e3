/* One fine-tuning: how it stands, live, what can be done with it, and what became of it.

   The parts are in files of their own: curves, pictures, result. What is asked for again and again is one answer of the server. */

import { get, post } from "./api.js";
import { ago, attempt, duration, element, fill, icon, poll, redraw } from "./dom.js";
import { curves } from "./finetune_curves.js";
import { counted, material, notice } from "./finetune_material.js";
import { pictures } from "./finetune_pictures.js";
import { result } from "./finetune_result.js";
import { settingsList } from "./finetune_settings.js";
import { logView, progressBar, setBar } from "./jobs.js";
import { mountNext } from "./next.js";

const OVER = new Set(["done", "failed", "cancelled"]);
const REST = 5; // seconds between two looks at what is over

function action(symbol, words, act, kind = "", id = null) {
  return element(`button${kind}`, { onclick: act, id }, icon(symbol), words);
}

/* "Step 120 of 400 · 9.8 frames/s · 1.6 steps/s · 3 min 10 s left", as far as it is known. */
function pace(found) {
  if (found.state !== "running") return "";
  if (!found.step) return found.message || "Starting";
  const perStep = found.settings.clips * found.settings.length;
  const rate = found.training.at(-1)?.fps;
  const steps = rate / perStep;
  return [
    `Step ${found.step} of ${found.steps}`,
    rate && `${rate.toFixed(1)} frames/s`,
    rate && (steps >= 1 ? `${steps.toFixed(1)} steps/s` : `${(1 / steps).toFixed(1)} s a step`),
    found.seconds_left && `${duration(found.seconds_left)} left`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/* Why it does not go on, if it does not. */
function trouble({ state, message, error, step }) {
  if (state === "queued") return notice("info", "It waits for its turn: fine-tunings are done one after another.");
  if (state === "paused") return notice(/disk|written/.test(message) ? "danger" : "warning", message || "Paused.", /resume/.test(message) ? "" : " Resume goes on from here.");
  if (state === "failed") return notice("danger", error || "It failed and gave no reason.");
  if (state === "cancelled") return notice("warning", `Cancelled${step ? ` at step ${step}` : ""}. No model was made of it.`);
  return null;
}

export function mountRun(root, id) {
  let shown = "";
  let asked = ""; // for what the person waits: pausing, ...
  let rest = 0; // seconds without asking, for nothing changes any more

  const title = element("h1");
  const badge = element("span.badge", { id: "finetune-state" });
  const actions = element("div.tune-actions");
  const origin = element("p.muted");
  const bar = progressBar(0);
  const line = element("span.tune-pace", { id: "finetune-pace", role: "status" });
  const progress = element("div.tune-progress", {}, bar, line);
  const reason = element("div");
  const outcome = result(() => look());
  const charts = curves();
  const samples = pictures(id);
  const taught = element("div");
  const settings = element("div");
  const log = logView();
  const next = element("div");
  const nextCard = element("section.card", { id: "finetune-next", hidden: true }, element("h2", {}, "What to correct next"), next);
  let listNext = null;

  fill(
    root,
    element("header.page-head", {}, title, badge, element("span.grow"), actions),
    element(
      "div.tune-stack",
      {},
      origin,
      progress,
      reason,
      outcome.node,
      charts.node,
      samples.node,
      nextCard,
      element("details.fold.card", { id: "finetune-taught" }, element("summary", {}, "What it was taught"), taught),
      element("details.fold.card", {}, element("summary", {}, "Settings"), settings),
      log.node,
    ),
  );

  async function say(path, waiting) {
    asked = waiting;
    await attempt(() => post(`/finetunes/${id}/${path}`));
    await look();
  }

  function buttons({ state, step }) {
    if (asked) return [element("span.muted", {}, asked)];
    if (!OVER.has(state))
      return [
        state === "paused"
          ? action("play", "Resume", () => say("resume", ""), ".primary", "finetune-resume")
          : action("pause", "Pause", () => say("pause", state === "running" ? "Pausing after this step …" : ""), "", "finetune-pause"),
        action("stop", "Cancel", () => say("cancel", state === "running" ? "Cancelling after this step …" : ""), "", "finetune-cancel"),
      ];
    if (state === "done") return [];
    return [action("again", step ? "Restart from the checkpoint" : "Start again", () => say("resume", ""), ".primary", "finetune-resume")];
  }

  const refresh = poll(root, 1000, async () => {
    if (!title.isConnected || (rest -= 1) > 0) return;
    const found = await get(`/finetunes/${id}`);
    if (found.state !== "running") asked = "";
    log.follow(found.job);
    const busy = await outcome.show(found);
    rest = OVER.has(found.state) && !busy ? REST : 0;
    const state = JSON.stringify([found, asked]);
    if (state === shown) return;
    shown = state;
    title.textContent = found.name;
    badge.textContent = found.state;
    badge.className = `badge ${found.state}`;
    origin.textContent = `From ${found.parent} on ${counted(found.summary.frames, "verified frame")} of ${counted(found.summary.videos, "video")} · ${ago(found.created_at)}`;
    redraw(actions, ...buttons(found));
    progress.hidden = found.state !== "running" && found.state !== "paused";
    setBar(bar, found.step / found.steps);
    line.textContent = found.state === "paused" ? `Step ${found.step} of ${found.steps}` : pace(found);
    fill(reason, trouble(found));
    charts.draw(found);
    samples.show(found.samples);
    fill(taught, material(found.summary), element("p.muted", {}, `Snapshot ${found.snapshot.slice(0, 12)}`));
    fill(settings, settingsList(found.settings, found.help));
    nextCard.hidden = found.state !== "done";
    if (found.state === "done") listNext ??= mountNext(next, { project: found.project_id });
  });

  function look() {
    rest = 0;
    return refresh();
  }
  return { enter: look };
}
