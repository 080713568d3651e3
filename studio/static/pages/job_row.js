/* One job as a row of the Jobs page: what it works on, how far it is, and what can be done with it.

   jobRow(changed) -> {node, update(job)}; `changed` is called after something was done with the job. */

import { post } from "./api.js";
import { ago, attempt, element, fill, icon, redraw } from "./dom.js";
import { KINDS, cancel, hasEnded, logView, progressBar, progressText, setBar, stateOf } from "./jobs.js";
import { go } from "./shell.js";

/* A link to another page of the studio. */
function link(words, page, ids = {}) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(page, ids);
  };
  return element("a.plain", { href: `?${new URLSearchParams({ view: page, ...ids })}`, onclick: follow }, words);
}

/* What the job works on, as links. */
function subject(job) {
  const parts = [];
  if (job.kind === "finetune") parts.push(link(job.model, "finetune", { project: job.project_id, run: job.finetune_id }), element("span.muted", {}, `from ${job.parent}`));
  if (job.kind === "add_model" || job.kind === "export_model") parts.push(link(job.model, "models", { model: job.model }));
  if (job.video) parts.push(link(job.video, "review", { video: job.video_id }));
  if (job.kind === "run") parts.push(element("span.muted", {}, "with"), link(job.model, "models", { model: job.model }));
  if (job.project && parts.length) parts.push(element("span.muted", {}, "in"));
  if (job.project) parts.push(link(job.project, "library", { project: job.project_id }));
  return parts;
}

const seenAs = (job) => (job.paused ? "paused" : job.state);

export function jobRow(changed) {
  let shown = "";
  const kind = element("strong");
  const about = element("span.job-subject");
  const when = element("span.faint.job-when");
  const bar = progressBar(0);
  const words = element("span.muted.job-words");
  const badge = element("span.badge");
  const actions = element("span.job-actions");
  const log = logView();
  log.node.classList.remove("card");
  log.node.addEventListener("toggle", () => logButton.setAttribute("aria-expanded", String(log.node.open)));
  const logButton = element("button.quiet", { "aria-expanded": "false", onclick: () => (log.node.open = !log.node.open) }, "Log");
  const node = element(
    "article.job-row",
    { role: "listitem" },
    element("div.job-main", {}, kind, about),
    element("div.job-progress", {}, bar, words),
    when,
    badge,
    actions,
    logButton,
    log.node,
  );

  const tool = (symbol, label, act) => element("button.quiet", { title: label, "aria-label": label, onclick: act }, icon(symbol));
  const ask = (path, body) => () => attempt(() => post(path, body)).then(changed);

  function buttons(job) {
    const move = (to) => ask(`/jobs/${job.id}/move`, { to });
    const waits = job.state === "queued" && !job.paused;
    return [
      waits && tool("first", "Do it first", move("first")),
      waits && tool("up", "Move up", move("up")),
      waits && tool("down", "Move down", move("down")),
      job.kind === "finetune" && job.state === "running" && tool("pause", "Pause", ask(`/finetunes/${job.finetune_id}/pause`)),
      job.paused && tool("play", "Resume", ask(`/jobs/${job.id}/retry`)),
      (job.state === "failed" || job.state === "cancelled") && tool("again", "Try again", ask(`/jobs/${job.id}/retry`)),
      !hasEnded(job) && tool("stop", "Cancel", () => cancel(job).then(changed)),
    ];
  }

  return {
    node,
    update(job) {
      log.follow(job.id);
      const state = JSON.stringify([job, Math.floor(Date.now() / 60_000)]);
      if (state === shown) return;
      shown = state;
      node.dataset.job = job.id;
      node.className = `job-row ${seenAs(job)}`;
      node.setAttribute("aria-label", `${KINDS[job.kind] ?? job.kind}, ${job.title}`);
      kind.textContent = KINDS[job.kind] ?? job.kind;
      fill(about, ...subject(job).flatMap((part) => [part, " "]));
      when.textContent = ago(job.finished_at ?? job.created_at);
      bar.hidden = hasEnded(job) || (job.state === "queued" && !job.progress);
      setBar(bar, job.progress);
      words.textContent = progressText(job);
      words.title = words.textContent;
      badge.textContent = stateOf(job);
      badge.className = `badge ${seenAs(job)}`;
      redraw(actions, ...buttons(job));
    },
  };
}
