/* The Run page's parts: which video, and starting the model on it. The queue beside it is jobs.js. */

import { get, post, url } from "./api.js";
import { attempt, clock, element, notify, poll } from "./dom.js";
import { go, onEnter } from "./shell.js";

/* Every video of every project, as options grouped by project. */
async function library() {
  const answer = await get("/projects");
  const projects = answer.projects;
  return Promise.all(
    projects.map(async (project) => {
      const videos = await get(`/projects/${project.id}/videos`);
      return { project, videos: videos.videos };
    }),
  );
}

export function mount({ element: root }) {
  const select = element("select.text", { "aria-label": "Video" });
  const picture = element("img", { alt: "" });
  const facts = element("span.muted");
  const preview = element("figure.preview", { hidden: true }, picture, facts);
  root.replaceChildren(element("label.field", {}, element("span", {}, "Video"), select), preview);

  let groups = [];
  let wanted = null;
  let shown = "";
  const chosen = () => groups.flatMap(({ videos }) => videos).find((video) => video.id === Number(select.value));

  function show() {
    const video = chosen();
    preview.hidden = video?.state !== "ready";
    if (preview.hidden) return;
    picture.src = url(`/videos/${video.id}/thumbnail.jpg`);
    const seconds = video.fps ? ` · ${clock(video.length / video.fps)}` : "";
    facts.textContent = `${video.width} × ${video.height} · ${video.length} frames${seconds}`;
  }

  const refresh = poll(root, 2000, async () => {
    groups = await library();
    const state = JSON.stringify(groups.map(({ project, videos }) => [project.name, videos.map((one) => [one.id, one.name, one.state])]));
    if (state !== shown) {
      shown = state;
      const before = select.value;
      select.replaceChildren(
        ...groups
          .filter(({ videos }) => videos.length)
          .map(({ project, videos }) => {
            const group = element("optgroup", { label: project.name });
            group.append(...videos.map((video) => element("option", { value: String(video.id) }, video.name)));
            return group;
          }),
      );
      if ([...select.options].some(({ value }) => value === before)) select.value = before; // it may be deleted
    }
    if (wanted) select.value = String(wanted);
    wanted = null;
    show();
  });
  select.addEventListener("change", show);
  onEnter("run", ({ video }) => {
    wanted = video ?? wanted;
    refresh();
  });

  document.addEventListener("ctvis:start-run", ({ detail }) =>
    attempt(async () => {
      const video = chosen();
      if (!video) return notify("Add a video in the Library first.", "error");
      const { job } = await post(`/videos/${video.id}/runs`, {
        model: detail.model,
        score_threshold: detail.score_threshold,
        match_threshold: detail.match_threshold,
        short_edge: detail.short_edge || null,
      });
      document.dispatchEvent(new CustomEvent("ctvis:jobs", { detail: { job } }));
      notify(`The model starts on ${video.name}. You may review while it runs.`);
    }),
  );
  document.addEventListener("ctvis:review-chosen", () => chosen() && go("review", { video: chosen().id }));
}
