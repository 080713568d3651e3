/* The frame around the pages: which page is shown, the address that goes with it, running jobs, theme, footer facts.

   The address is the state: /?view=review&video=3&frame=17. `go` changes it, back and forward follow it, and every part that
   cares listens for `ctvis:page` with {page, model, video, frame, project, run}. The review stage is told by Gradio through the event
   "review". */

import { get } from "./api.js";
import { element, fill, icon, poll } from "./dom.js";

const NAMES = ["video", "frame", "project", "run"]; // of the numbers in an address

export function place() {
  const asked = new URLSearchParams(location.search);
  const number = (name) => (/^\d+$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : null);
  const ids = Object.fromEntries(NAMES.map((name) => [name, number(name)]));
  return { page: document.documentElement.dataset.page, model: asked.get("model"), ...ids };
}

function announce() {
  document.dispatchEvent(new CustomEvent("ctvis:page", { detail: place() }));
}

/* Shows a page; `video`, `project` and `run` (a fine-tuning) are ids, `frame` is an ordinal, `model` is a name; all may be absent. */
export function go(page, ids = {}) {
  const asked = new URLSearchParams({ view: page });
  if (ids.model) asked.set("model", ids.model);
  for (const name of NAMES) if (Number.isInteger(ids[name])) asked.set(name, ids[name]);
  history.pushState(null, "", `?${asked}`);
  document.documentElement.dataset.page = page;
  announce();
}

/* Calls `enter(place)` now and whenever the person comes to `page`. */
export function onEnter(page, enter) {
  const check = () => place().page === page && enter(place());
  document.addEventListener("ctvis:page", check);
  check();
}

function navigation(root) {
  const links = [...root.querySelectorAll("[data-go]")];
  const mark = () => {
    const here = place().page;
    for (const link of links) {
      if (link.dataset.go === here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const current = root.querySelector("nav [aria-current], [data-jobs][aria-current]");
    const title = current?.getAttribute("aria-label") ?? current?.textContent.trim();
    document.title = title ? `${title} · CTVIS Studio` : "CTVIS Studio";
  };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      if (event.detail > 0) link.blur(); // a mouse: the keys belong to the page that opens
      go(link.dataset.go, link.dataset.go === "review" ? { video: lastVideo() } : {});
    });
  }
  document.addEventListener("ctvis:page", mark);
  mark();
}

/* Review opened from the navigation goes on with the video last seen there. */
function lastVideo() {
  return Number(localStorage.getItem("ctvis.video")) || null;
}

/* Review without a video shows the first one of the library that a model has run on, or else the first. */
async function openSomeVideo() {
  const { projects } = await get("/projects");
  const project = projects.find((one) => one.videos > 0);
  if (!project) return;
  const { videos } = await get(`/projects/${project.id}/videos`);
  history.replaceState(null, "", `?view=review&video=${(videos.find((video) => video.run) ?? videos[0]).id}`);
  announce();
}

function themeSwitch(root) {
  const button = root.querySelector("[data-theme-switch]");
  button.addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme === "dark";
    localStorage.setItem("ctvis.theme", dark ? "light" : "dark");
    document.dispatchEvent(new CustomEvent("ctvis:theme"));
  });
}

function runningJobs(root) {
  const pill = root.querySelector("[data-jobs]");
  poll(root, 1500, async () => {
    const { jobs, counts } = await get("/jobs?limit=1");
    if (!counts.running && !counts.queued) return void fill(pill, icon("clock"), "Jobs");
    const running = counts.running ? jobs[0] : null;
    const percent = Math.round(100 * (running?.progress ?? 0));
    const waiting = counts.running + counts.queued - (running ? 1 : 0);
    fill(
      pill,
      element("i.spinner"),
      running ? `${percent} %` : "Waiting",
      waiting > 0 && element("span.muted", {}, `+${waiting}`),
    );
  });
}

export function mount({ element: root, trigger }) {
  for (const holder of root.querySelectorAll("[data-icon]")) holder.replaceChildren(icon(holder.dataset.icon));
  navigation(root);
  themeSwitch(root);
  runningJobs(root);
  onEnter("review", async ({ video, frame }) => {
    if (!video) return openSomeVideo();
    localStorage.setItem("ctvis.video", video);
    trigger("review", { video, frame });
  });
  addEventListener("popstate", followAddress);
  document.addEventListener("click", followLink);
}

function followAddress() {
  const asked = new URLSearchParams(location.search);
  document.documentElement.dataset.page = asked.get("view") ?? (asked.has("video") ? "review" : "try");
  announce();
}

/* A link to a page of the studio, wherever it stands, does not load the document anew. */
function followLink(event) {
  const link = event.target.closest("a[href^='?view=']");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  followAddress();
}
