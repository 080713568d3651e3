/* The Try page: choose a clip or the camera, watch the model find and follow its objects, take the result away or keep it as a project.

   source() is the left column (drop zone, examples); stage() the right one. The long work is a job of the server: closing the page
   does not stop it, and coming back to the page shows how far it is. */

import { get, post, upload, url } from "./api.js";
import { attempt, clock, element, icon, notify } from "./dom.js";
import { cancel, follow, progressBar, progressText, setBar } from "./jobs.js";
import { LiveCamera } from "./live_camera.js";
import { LiveView } from "./live_view.js";
import { go } from "./shell.js";

let chosen = null; // the clip: {kind: "example", name, title, poster}, {kind: "file", file, title} or {kind: "camera", title}
const TRIAL = "ctvis.trial"; // in localStorage: {video, job} of the trial that is running

function choose(clip) {
  chosen = clip;
  document.dispatchEvent(new CustomEvent("ctvis:clip"));
}

export function source({ element: root }) {
  const file = element("input", { type: "file", accept: "video/*,.mkv,.avi,.mov,.mp4,.webm,.m4v", hidden: true });
  const drop = element(
    "button.drop-zone",
    { onclick: () => file.click() },
    icon("upload"),
    element("strong", {}, "Drop a video here"),
    element("span.muted", {}, "or click to choose a file"),
  );
  const camera = element("button.camera-choice", { "aria-pressed": "false" }, icon("camera"), "Use the camera");
  const heading = element("h3", { hidden: true }, "Or take an example");
  const examples = element("div.examples");
  root.replaceChildren(element("h2", {}, "Clip"), drop, file, camera, heading, examples);

  const mark = (chosen) =>
    [camera, ...examples.children].forEach((one) => one.setAttribute("aria-pressed", String(one === chosen)));
  camera.addEventListener("click", () => (mark(camera), choose({ kind: "camera", title: "Camera" })));
  const take = (one) => {
    if (!one) return;
    mark(null);
    choose({ kind: "file", file: one, title: one.name });
  };
  file.addEventListener("change", () => (take(file.files[0]), (file.value = "")));
  drop.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("dropping")));
  drop.addEventListener("dragleave", () => drop.classList.remove("dropping"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dropping");
    take(event.dataTransfer.files[0]);
  });

  attempt(async () => {
    const { examples: clips } = await get("/examples");
    const cards = clips.map((clip) => {
      const poster = url(`/examples/${clip.name}/thumbnail.jpg`);
      const card = element(
        "button.example",
        { title: clip.title, "aria-pressed": "false", dataset: { example: clip.name } },
        element("img", { src: poster, alt: "", loading: "lazy" }),
        element("span", {}, clip.title),
        element("span.length", {}, clock(clip.seconds)),
      );
      card.addEventListener("click", () => {
        mark(card);
        choose({ kind: "example", name: clip.name, title: clip.title, poster });
      });
      return card;
    });
    examples.replaceChildren(...cards);
    heading.hidden = !cards.length;
    if (!chosen) cards[0]?.click();
  });
}

/* The video once the server has read it through. */
async function imported(id) {
  for (;;) {
    const state = await get(`/videos/${id}`);
    if (state.state === "ready") return state;
    if (state.state === "failed") throw new Error(state.error || "The clip cannot be read.");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/* What the trial leaves: links to its files, and the ways on. */
function resultActions(video) {
  const link = (path, words) => element("a.button", { href: url(path), download: "" }, icon("download"), words);
  const keep = async () => {
    const project = await post(`/projects/${video.project_id}/keep`);
    notify(`Kept in the Library as ${project.name}.`);
    go("library", { project: project.id });
  };
  return [
    link(`/videos/${video.id}/overlay.mp4`, "Video"),
    link(`/videos/${video.id}/results.json`, "results.json"),
    element("button", { onclick: () => go("review", { video: video.id }) }, icon("pencil"), "Review"),
    element("button", { onclick: () => attempt(keep) }, icon("folder"), "Keep as project"),
  ];
}

/* The right column's parts. `show` puts one of hint, poster, live view, camera and player in front; `say` writes the line below. */
function buildStage(root) {
  const hintTitle = element("strong", {}, "Choose a clip");
  const hintText = element("span.muted", {}, "The model finds every object in it and follows each one through the video.");
  const hint = element("div.empty-state", {}, icon("film"), hintTitle, hintText);
  const poster = element("img.stage-picture", { alt: "" });
  const live = new LiveView();
  const camera = new LiveCamera();
  const player = element("video.stage-picture", { controls: true, loop: true, muted: true, playsInline: true });
  const bar = progressBar(0);
  const status = element("span.muted.grow");
  const stop = element("button", {}, icon("stop"), "Stop");
  const results = element("div.result-actions");
  const foot = element("div.stage-foot", {}, bar, element("div.stage-line", {}, status, stop, results));
  root.replaceChildren(element("div.stage-view", {}, hint, poster, live.root, camera.root, player), foot);

  function show(part) {
    for (const one of [hint, poster, live.root, camera.root, player]) one.hidden = one !== part;
    if (part !== player) player.removeAttribute("src");
    if (part !== camera.root) camera.stop();
  }

  function say(text, share = null) {
    foot.hidden = false;
    status.textContent = text;
    bar.hidden = share === null;
    if (share !== null) setBar(bar, share);
  }

  function showChosen() {
    if (!chosen) return show(hint);
    if (chosen.kind === "camera") return showCamera();
    if (chosen.poster) poster.src = chosen.poster;
    hintTitle.textContent = chosen.title;
    hintText.textContent = "Ready. Press the button to find and follow its objects.";
    foot.hidden = true;
    return show(chosen.poster ? poster : hint);
  }

  function showCamera() {
    hintTitle.textContent = "Camera";
    hintText.textContent = "The browser asks whether this page may use it.";
    foot.hidden = true;
    show(hint);
    attempt(async () => {
      await camera.preview();
      if (chosen.kind === "camera") show(camera.root);
      else camera.stop(); // something else was chosen meanwhile
    });
  }

  foot.hidden = stop.hidden = results.hidden = true;
  showChosen();
  return { live, camera, player, bar, stop, results, show, say, showChosen };
}

export function stage({ element: root }) {
  const parts = buildStage(root);
  const { live, camera, player, stop, results, show, say } = parts;
  let busy = false;
  let job = null;
  stop.addEventListener("click", () => (camera.isRunning ? camera.stop() : job && cancel(job)));

  /* Follows the camera until it is stopped, then asks what to do with the recording. */
  async function followCamera(settings) {
    busy = true;
    results.hidden = true;
    try {
      show(camera.root);
      stop.hidden = false;
      const recorded = await camera.follow(settings, say);
      const done = () => ((results.hidden = true), say("The camera is off."));
      if (!recorded) return done();
      results.replaceChildren(...(await camera.choices(done)));
      results.hidden = false;
      say("Stopped.");
    } catch (error) {
      say("It did not work.");
      throw error;
    } finally {
      stop.hidden = true;
      busy = false;
    }
  }

  async function watchRun(video, id) {
    show(live.root);
    await live.open(video);
    stop.hidden = false;
    const end = await follow(id, (state) => {
      job = state;
      say(progressText(state), state.progress);
      live.update(state.frames_done ?? 0).catch((error) => console.info("live view:", error.message));
    });
    stop.hidden = true;
    return end;
  }

  async function showResult(video) {
    const { job: drawing } = await post(`/videos/${video.id}/overlay`);
    const end = await follow(drawing, (state) => say("Drawing the overlay video", state.progress));
    if (end.state !== "done") throw new Error(progressText(end));
    const { tracks } = await get(`/videos/${video.id}/tracks`);
    show(player);
    player.src = url(`/videos/${video.id}/overlay.mp4`);
    player.play().catch(() => {}); // browsers may refuse to start by themselves; the controls are there
    say(tracks.length === 1 ? "1 object found" : `${tracks.length} objects found`);
    results.hidden = false;
    results.replaceChildren(...resultActions(video));
  }

  /* One trial at a time, from `begin` (which gives {video, job}) to the result; the trial survives a reload of the page. */
  async function work(begin) {
    busy = true;
    results.hidden = true;
    try {
      const trial = await begin();
      localStorage.setItem(TRIAL, JSON.stringify(trial));
      const video = await imported(trial.video);
      const end = await watchRun(video, trial.job);
      if (end.state === "done") await showResult(video);
      else say(progressText(end));
    } catch (error) {
      say("It did not work.");
      throw error;
    } finally {
      localStorage.removeItem(TRIAL);
      stop.hidden = true;
      busy = false;
    }
  }

  async function begin(settings) {
    say(`Opening ${chosen.title}`, 0);
    const { id } =
      chosen.kind === "example"
        ? await post("/trials", { example: chosen.name })
        : await upload("/trials", chosen.file, (share) => setBar(parts.bar, share));
    const video = await imported(id);
    return { video: video.id, job: (await post(`/videos/${video.id}/runs`, settings)).job };
  }

  document.addEventListener("ctvis:page", ({ detail }) => {
    if (detail.page !== "try") camera.stop();
    else if (chosen?.kind === "camera" && !busy && results.hidden) parts.showChosen();
  });
  document.addEventListener("ctvis:clip", () => {
    if (busy) notify("A clip is being worked on. What you chose comes next.");
    else parts.showChosen();
  });
  document.addEventListener("ctvis:try", ({ detail }) => {
    if (busy) notify("A clip is being worked on. Stop it first, or wait.");
    else if (!chosen) notify("Choose a clip first.");
    else if (chosen.kind === "camera") attempt(() => followCamera(detail));
    else attempt(() => work(() => begin(detail)));
  });
  const running = localStorage.getItem(TRIAL);
  if (running) attempt(() => work(async () => JSON.parse(running)));
}
