/* Jobs as cards: what runs, how far it is, how fast, how long still, and a way to stop it. Used by the Run page and wherever one job is followed. */

import { get, post } from "./api.js";
import { ago, attempt, duration, element, emptyState, icon, notify, poll } from "./dom.js";

const ENDED = new Set(["done", "failed", "cancelled"]);
export const KINDS = { run: "Find objects", import: "Import", frames: "Prepare frames", export: "Export", overlay: "Overlay video", finetune: "Fine-tune", operation: "Correction", add_model: "Add model", export_model: "Export model" };
const IN_FRAMES = new Set(["run", "frames", "export", "overlay", "operation"]); // what the others count is in their message

/* The state of a job in a word. */
export const stateOf = (job) => (job.paused ? "paused" : job.state === "queued" ? "waiting" : job.state);

export const hasEnded = (job) => ENDED.has(job.state);

/* "frame 120 of 450 · 14.2 fps · 23 s left", as far as it is known. */
export function progressText(job) {
  if (job.paused) return job.message || "Paused";
  if (job.state === "queued") return "Waiting for its turn";
  if (job.state === "failed") return job.error || "It failed and gave no reason.";
  if (job.state === "cancelled") return "Cancelled";
  const counted = IN_FRAMES.has(job.kind) && job.kind !== "export"; // which goes through them twice for a zip with frames
  if (job.state === "done") return counted && job.frames_total ? `${job.frames_total} frames` : job.message || "Done";
  const parts = [];
  if (job.frames_total && IN_FRAMES.has(job.kind)) parts.push(`frame ${job.frames_done ?? 0} of ${job.frames_total}`);
  else if (job.message) parts.push(job.message);
  if (job.state === "running" && job.fps) parts.push(`${job.fps.toFixed(1)} frames/s`);
  if (job.state === "running" && job.seconds_left) parts.push(`${duration(job.seconds_left)} left`);
  return parts.join(" · ") || "Starting";
}

export function progressBar(share) {
  const bar = element("div.bar", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, element("i"));
  setBar(bar, share ?? 0);
  return bar;
}

export function setBar(bar, share) {
  const percent = Math.round(100 * share);
  bar.setAttribute("aria-valuenow", String(percent));
  bar.firstChild.style.width = `${percent}%`;
}

export function cancel(job) {
  return attempt(async () => {
    await post(`/jobs/${job.id}/cancel`);
    notify("The job stops in a moment.");
  });
}

/* Asks for a job until it has ended; `see` gets every answer. Resolves to the last one. */
export async function follow(id, see, milliseconds = 400) {
  for (;;) {
    const job = await get(`/jobs/${id}`);
    see(job);
    if (hasEnded(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

export function card(job) {
  const active = !hasEnded(job);
  return element(
    `article.job.${job.state}`,
    { dataset: { job: job.id } },
    element(
      "div.job-line",
      {},
      element("strong", {}, KINDS[job.kind] ?? job.kind),
      element("span.muted.grow", {}, job.title),
      !active && element("span.faint", {}, ago(job.finished_at ?? job.created_at)),
      element(`span.badge.${job.state}`, {}, stateOf(job)),
      active &&
        element("button.quiet", { title: "Stop this job", "aria-label": "Stop this job", onclick: () => cancel(job) }, icon("stop")),
    ),
    active && progressBar(job.progress),
    (active || job.state === "failed") && element("div.muted", {}, progressText(job)),
  );
}

/* What a job left behind, in a fold that is asked for while it is open: {node, follow(job id)}. */
export function logView() {
  const lines = element("pre.log", { tabIndex: 0, "aria-label": "Log" });
  const node = element("details.fold.card.log-fold", {}, element("summary", {}, "Log"), lines);
  let job = null;
  let shown = null;
  async function refresh() {
    if (!node.open || job === null) return;
    const text = (await get(`/jobs/${job}/log`)).lines.join("\n") || "Nothing was noted.";
    if (text === shown) return;
    shown = lines.textContent = text;
    lines.scrollTop = lines.scrollHeight;
  }
  node.addEventListener("toggle", () => attempt(refresh));
  return {
    node,
    follow(id) {
      job = id;
      attempt(refresh);
    },
  };
}

/* The queue beside the Run page: what runs, what waits, then what has ended. All of it is on the Jobs page. */
export function queue({ element: root }) {
  const list = element("div.job-list");
  const empty = emptyState("clock", "Nothing is running", "What you start appears here and goes on when you close the page.");
  root.replaceChildren(element("header.page-head", {}, element("h1", {}, "Queue")), list, empty);
  let shown = "";
  const refresh = poll(root, 700, async () => {
    const { jobs } = await get("/jobs?limit=30");
    const state = JSON.stringify(jobs);
    if (state === shown) return;
    shown = state;
    empty.hidden = jobs.length > 0;
    list.replaceChildren(...jobs.map(card));
  });
  document.addEventListener("ctvis:jobs", refresh);
}
