/* The Library: projects at the left, the chosen one's videos as cards at the right, and the ways to bring videos in. */

import { get, post, upload, url } from "./api.js";
import { attempt, clock, element, emptyState, icon, notify, poll, redraw } from "./dom.js";
import { progressBar, setBar } from "./jobs.js";
import { deleteProject, deleteTrials, deleteVideo, isTrial, plainName, renameProject, renameVideo } from "./manage.js";
import { menuButton } from "./menu.js";
import { reviewLine, reviewsOf, STANDING } from "./reviews.js";
import { go, onEnter } from "./shell.js";

/* Where a video stands, as [words, kind of badge]. */
function standing(video, review) {
  if (video.state === "importing") return ["Importing", "running"];
  if (video.state === "failed") return ["Not readable", "failed"];
  if (!video.run) return ["New", "new"];
  if (video.run.state === "done") return STANDING[review?.state ?? "to_do"];
  const words = { queued: "Waiting", running: "Running", cancelled: "Stopped", failed: "Failed" };
  return [words[video.run.state], video.run.state];
}

/* A one-line form that appears in place of `opener`: a name or a path, Enter to send, Escape to leave. */
function inlineForm(opener, placeholder, submit) {
  const input = element("input.text", { placeholder, "aria-label": placeholder });
  const form = element("form.inline-form", { hidden: true }, input, element("button.primary", { type: "submit" }, "Add"));
  const show = (open) => {
    form.hidden = !open;
    opener.hidden = open;
    if (open) input.focus();
  };
  opener.addEventListener("click", () => show(true));
  input.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    attempt(async () => {
      await submit(text);
      input.value = "";
      show(false);
    });
  });
  return form;
}

/* The video with its tracks drawn into it; the Export page shows how far it is and gives it out. */
const drawVideo = ({ id }) =>
  attempt(async () => {
    await post(`/videos/${id}/overlay`);
    go("export");
  });

/* What can be done to a thing of the Library besides opening it; `changed` is called when it was done. */
function moreButton(thing, name, rename, remove, changed, more = []) {
  const follow = (action) => async () => (await action(thing)) && changed();
  return menuButton(`More for ${name}`, [
    ...more,
    { symbol: "pencil", words: "Rename", act: follow(rename) },
    { symbol: "trash", words: "Delete", act: follow(remove), danger: true },
  ]);
}

function videoCard(video, review, changed) {
  const open = () => go("review", { video: video.id });
  const seconds = video.fps ? clock(video.length / video.fps) : "";
  const [words, badge] = standing(video, review);
  const ready = video.state === "ready";
  const drawing = ready && video.run ? [{ symbol: "film", words: "Draw as video", act: () => drawVideo(video) }] : [];
  const active = video.run && ["queued", "running"].includes(video.run.state);
  return element(
    "article.video-card",
    { dataset: { video: video.id } },
    element(
      "button.picture",
      { onclick: open, title: "Open in Review", "aria-label": `Review ${video.name}` },
      ready && element("img", { src: url(`/videos/${video.id}/thumbnail.jpg`), alt: "", loading: "lazy" }),
      seconds && element("span.length", {}, seconds),
    ),
    element(
      "div.card-head",
      {},
      element(
        "div.card-text",
        {},
        element("strong", { title: video.name }, video.name),
        element("span.muted", {}, `${video.width} × ${video.height} · ${video.length} frames`),
      ),
      moreButton(video, video.name, renameVideo, deleteVideo, changed, drawing),
    ),
    active ? progressBar(video.run.progress) : null,
    ready && reviewLine(review),
    element(
      "div.card-foot",
      {},
      element(`span.badge.${badge}`, { title: video.error ?? "" }, words),
      element("span.grow"),
      ready && element("button", { onclick: () => go("run", { video: video.id }), title: "Find the objects of this video" }, "Run"),
      ready && element("button.primary", { onclick: open }, "Review"),
    ),
  );
}

function projectRow(project, current, changed) {
  return element(
    "div.project-row",
    {},
    element(
      "button.quiet.wide",
      { "aria-current": String(current), title: project.name, onclick: () => go("library", { project: project.id }) },
      icon("folder"),
      element("span.grow", {}, plainName(project)),
      element("span.faint", {}, String(project.videos)),
    ),
    moreButton(project, plainName(project), renameProject, deleteProject, changed),
  );
}

function trialsHeading(changed) {
  const remove = async () => (await deleteTrials()) && changed();
  return element(
    "div.list-head",
    {},
    element("h3", {}, "Trials"),
    element("button.quiet.more", { title: "Remove all trials", "aria-label": "Remove all trials", onclick: remove }, icon("trash")),
  );
}

export function mount({ element: root }) {
  let project = null;
  let shown = "";

  const projects = element("nav.project-list", { "aria-label": "Projects" });
  const newProject = element("button.quiet.wide", {}, icon("plus"), "New project");
  const title = element("h1");
  const count = element("span.muted");
  const file = element("input", { type: "file", accept: "video/*,.mkv,.avi,.mov,.mp4,.webm,.m4v", multiple: true, hidden: true });
  const add = element("button.primary", { onclick: () => file.click() }, icon("upload"), "Upload videos");
  const tune = element("button", { onclick: () => go("finetune", { project }) }, icon("tune"), "Fine-tune on corrections");
  const byPath = element("button", {}, icon("folder"), "From this computer");
  const transfers = element("div.transfers");
  const cards = element("div.card-grid");
  const empty = emptyState(
    "film",
    "No videos yet",
    "Drop video files here, or give the path of a file or a folder of frames on the machine the studio runs on.",
  );

  const pathForm = inlineForm(byPath, "Path of a video file or a folder of images", async (path) => {
    await post(`/projects/${project}/videos`, { path });
    await refresh();
  });
  const projectForm = inlineForm(newProject, "Name of the project", async (name) => {
    const made = await post("/projects", { name });
    go("library", { project: made.id });
    await refresh();
  });

  empty.hidden = true;

  const body = element(
    "section.library-body",
    {},
    element("header.page-head", {}, element("div", {}, title, count), element("span.grow"), pathForm, tune, byPath, add, file),
    transfers,
    cards,
    empty,
  );
  root.replaceChildren(element("aside.side", {}, element("h2", {}, "Projects"), projects, newProject, projectForm), body);

  async function send(files) {
    for (const one of files) {
      const bar = progressBar(0);
      const line = element("div.transfer", {}, element("span", {}, one.name), bar);
      transfers.append(line);
      await attempt(async () => {
        await upload(`/projects/${project}/videos`, one, (share) => setBar(bar, share));
        notify(`${one.name} is in the project.`);
      });
      line.remove();
    }
    await refresh();
  }
  file.addEventListener("change", () => send([...file.files]).finally(() => (file.value = "")));
  body.addEventListener("dragover", (event) => {
    event.preventDefault();
    body.classList.add("dropping");
  });
  body.addEventListener("dragleave", (event) => event.target === body && body.classList.remove("dropping"));
  body.addEventListener("drop", (event) => {
    event.preventDefault();
    body.classList.remove("dropping");
    send([...event.dataTransfer.files]);
  });

  const refresh = poll(root, 1200, async () => {
    if (document.querySelector(".menu, .dialog")) return; // what the person is about stays as they see it
    const known = (await get("/projects")).projects;
    if (!known.some((one) => one.id === project)) project = known[0]?.id ?? null;
    const videos = project ? (await get(`/projects/${project}/videos`)).videos : [];
    const reviews = project ? await reviewsOf(project, videos, () => refresh()) : new Map();
    const state = JSON.stringify([known, project, videos, [...reviews]]);
    if (state === shown) return;
    shown = state;
    const row = (one) => projectRow(one, one.id === project, refresh);
    const trials = known.filter(isTrial);
    redraw(
      projects,
      ...known.filter((one) => !isTrial(one)).map(row),
      trials.length > 0 && trialsHeading(refresh),
      ...trials.map(row),
    );
    title.textContent = known.find((one) => one.id === project)?.name ?? "Library";
    count.textContent = videos.length === 1 ? "1 video" : `${videos.length} videos`;
    add.disabled = byPath.disabled = tune.disabled = !project;
    empty.hidden = videos.length > 0;
    redraw(cards, ...videos.map((video) => videoCard(video, reviews.get(video.id), refresh)));
  });
  onEnter("library", (here) => {
    if (here.project) project = here.project;
    refresh();
  });
}
