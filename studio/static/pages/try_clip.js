/* The Try page: choose a clip, watch the model find and follow its objects, take the result away or keep it as a project.

   source() is the left column (drop zone, examples); stage() the right one. The long work is a job of the server: closing the page
   does not stop it, and coming back to the page shows how far it is. */

import { get, post, upload, url } from "./api.js";
import { attempt, clock, element, icon, notify } from "./dom.js";
import { cancel, follow, progressBar, progressText, setBar } from "./jobs.js";
import { go } from "./shell.js";

/* Tells the stage about the clip: {kind: "example", name, title, poster} or {kind: "file", file}. */
function choose(clip) {
  document.dispatchEvent(new CustomEvent("ctvis:clip", { detail: clip }));
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
  const examples = element("div.examples");
  root.replaceChildren(element("h2", {}, "Clip"), drop, file, element("h3", {}, "Or take an example"), examples);

  const mark = (chosen) => [...examples.children].forEach((one) => one.setAttribute("aria-pressed", String(one === chosen)));
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
        element("img", { src: poster, alt: "" }),
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
    if (!cards.length) examples.previousSibling.hidden = true;
    cards[0]?.click();
  });
}

/* The newest overlay picture of a running job: never two requests at once, never an older picture after a newer one. */
function livePicture(image, video) {
  let busy = false;
  return (frames) => {
    if (busy || frames < 1) return;
    busy = true;
    const next = new Image();
    next.onload = () => {
      image.src = next.src;
      busy = false;
    };
    next.onerror = () => (busy = false);
    next.src = url(`/videos/${video}/overlay/${frames - 1}.jpg?h=720`);
  };
}

export function stage({ element: root }) {
  let clip = null;
  let job = null;
  const picture = element("img.stage-picture", { alt: "" });
  const player = element("video.stage-picture", { controls: true, loop: true, muted: true, playsInline: true, hidden: true });
  const hint = element(
    "div.empty-state",
    {},
    icon("film"),
    element("strong", {}, "Choose a clip"),
    element("span.muted", {}, "The model finds every object in it and follows each one through the video."),
  );
  const view = element("div.stage-view", {}, hint, picture, player);
  const bar = progressBar(0);
  const status = element("span.muted.grow");
  const stop = element("button", { hidden: true, onclick: () => job && cancel(job) }, icon("stop"), "Stop");
  const results = element("div.result-actions", { hidden: true });
  const foot = element("div.stage-foot", { hidden: true }, bar, element("div.stage-line", {}, status, stop, results));
  root.replaceChildren(view, foot);

  function showPoster(source) {
    hint.hidden = true;
    player.hidden = true;
    player.removeAttribute("src");
    picture.hidden = !source;
    if (source) picture.src = source;
    foot.hidden = true;
    results.hidden = true;
  }

  function say(text, share = null) {
    foot.hidden = false;
    status.textContent = text;
    bar.hidden = share === null;
    if (share !== null) setBar(bar, share);
  }

  document.addEventListener("ctvis:clip", ({ detail }) => {
    if (job) return notify("A clip is being worked on. Stop it first, or wait.");
    clip = detail;
    showPoster(clip.poster);
    if (clip.kind === "file") say(`${clip.title} is chosen.`);
  });

  async function importClip() {
    if (clip.kind === "example") return post("/trials", { example: clip.name });
    say(`Uploading ${clip.title}`, 0);
    return upload("/trials", clip.file, (share) => setBar(bar, share));
  }

  async function finished(video) {
    say("Drawing the overlay video", 1);
    const { job: drawing } = await post(`/videos/${video.id}/overlay`);
    const end = await follow(drawing, (state) => say("Drawing the overlay video", state.progress));
    if (end.state !== "done") throw new Error(progressText(end));
    const { tracks } = await get(`/videos/${video.id}/tracks`);
    picture.hidden = true;
    player.hidden = false;
    player.src = url(`/videos/${video.id}/overlay.mp4`);
    player.play().catch(() => {});
    say(tracks.length === 1 ? "1 object found" : `${tracks.length} objects found`);
    results.hidden = false;
    const keep = element("button", {}, icon("folder"), "Keep as project");
    keep.addEventListener("click", () =>
      attempt(async () => {
        const project = await post(`/projects/${video.project_id}/keep`);
        notify(`Kept in the Library as ${project.name}.`);
        go("review", { video: video.id });
      }),
    );
    results.replaceChildren(
      element("a.button", { href: url(`/videos/${video.id}/overlay.mp4?download=1`), download: "" }, icon("download"), "Video"),
      element("a.button", { href: url(`/videos/${video.id}/results.json`), download: "" }, icon("download"), "results.json"),
      element("button", { onclick: () => go("review", { video: video.id }) }, icon("pencil"), "Review"),
      keep,
    );
  }

  document.addEventListener("ctvis:try", ({ detail }) => {
    if (job) return notify("A clip is being worked on. Stop it first, or wait.");
    if (!clip) return notify("Choose a clip first.");
    attempt(async () => {
      try {
        results.hidden = true;
        say("Opening the clip", 0);
        const video = await importClip();
        job = (await get(`/jobs/${(await post(`/videos/${video.id}/runs`, detail)).job}`));
        stop.hidden = false;
        player.hidden = hint.hidden = true;
        picture.hidden = false;
        picture.src = url(`/videos/${video.id}/frames/0.jpg?h=720`);
        const show = livePicture(picture, video.id);
        const end = await follow(job.id, (state) => {
          job = state;
          say(progressText(state), state.progress);
          show(state.frames_done ?? 0);
        }, 250);
        stop.hidden = true;
        if (end.state === "done") await finished(video);
        else say(progressText(end));
      } catch (error) {
        say("It did not work.");
        throw error;
      } finally {
        stop.hidden = true;
        job = null;
      }
    });
  });
}
