/* Renaming and deleting what is in the Library: the words of the questions, and the requests that follow.

   Every function resolves to whether something has changed. What would be lost is counted by the server when it is asked. */

import { get, patch, remove } from "./api.js";
import { askName, confirmed } from "./dialog.js";
import { attempt, notify } from "./dom.js";

export const TRIAL = "Trial: "; // how the names of trials begin
export const isTrial = (project) => project.name.startsWith(TRIAL);
export const plainName = (project) => (isTrial(project) ? project.name.slice(TRIAL.length) : project.name);

const FOR_GOOD = "This cannot be undone.";

/* 2, "run" -> "2 runs" */
const counted = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const listed = new Intl.ListFormat("en");

/* {runs: 2, corrections: 0, exports: 1} -> ["2 runs", "1 export"] */
function inWords(holds) {
  const things = [counted(holds.runs, "run"), counted(holds.corrections, "correction"), counted(holds.exports, "export")];
  return things.filter((words) => !words.startsWith("0 "));
}

function aboutFiles(videos) {
  const staying = videos.filter((video) => video.in_place).length;
  if (!videos.length) return "";
  if (videos.length === 1) return staying ? "The video file itself stays where it is." : "The studio's copy of the file goes, too.";
  if (staying === videos.length) return "The video files themselves stay where they are.";
  return `The studio's copies of the files go, too${staying ? "; those imported by their path stay where they are" : ""}.`;
}

export function whatGoesWithVideo(video) {
  const things = inWords(video.holds);
  const verb = things.length > 1 || !/^1 /.test(things[0]) ? "go" : "goes";
  const lost = things.length ? `Its ${listed.format(things)} ${verb} with it.` : "It has no runs and no corrections.";
  return `${lost} ${aboutFiles([video])} ${FOR_GOOD}`;
}

export function whatGoesWithProjects(projects) {
  const videos = projects.flatMap((project) => project.videos);
  const sum = (name) => projects.reduce((total, project) => total + project.holds[name], 0);
  const things = inWords({ runs: sum("runs"), corrections: sum("corrections"), exports: sum("exports") });
  const [whose, them] = projects.length === 1 ? ["Its", "it"] : ["Their", "them"];
  const verb = videos.length === 1 && !things.length ? "goes" : "go";
  const all = listed.format([counted(videos.length, "video"), ...things]);
  return [`${whose} ${all} ${verb} with ${them}.`, aboutFiles(videos), FOR_GOOD].filter(Boolean).join(" ");
}

/* Review must not come back to a video that is gone. */
function forget(videos) {
  const last = Number(localStorage.getItem("ctvis.video"));
  if (videos.some((video) => video.id === last)) localStorage.removeItem("ctvis.video");
}

async function removeProject(project) {
  await remove(`/projects/${project.id}`);
  forget(project.videos);
}

export const deleteVideo = ({ id }) =>
  attempt(async () => {
    const video = await get(`/videos/${id}`);
    if (!(await confirmed(`Delete “${video.name}”?`, whatGoesWithVideo(video), "Delete video"))) return false;
    await remove(`/videos/${id}`);
    forget([video]);
    notify(`“${video.name}” is deleted.`);
    return true;
  });

export const deleteProject = ({ id }) =>
  attempt(async () => {
    const project = await get(`/projects/${id}`);
    const name = plainName(project);
    const kind = isTrial(project) ? "trial" : "project";
    if (!(await confirmed(`Delete the ${kind} “${name}”?`, whatGoesWithProjects([project]), `Delete ${kind}`))) return false;
    await removeProject(project);
    notify(`The ${kind} “${name}” is deleted.`);
    return true;
  });

/* A trial that is being worked on stays, and is said to. */
export const deleteTrials = () =>
  attempt(async () => {
    const found = (await get("/projects")).projects.filter(isTrial);
    const trials = await Promise.all(found.map(({ id }) => get(`/projects/${id}`)));
    const title = trials.length === 1 ? "Remove the trial?" : `Remove all ${trials.length} trials?`;
    if (!(await confirmed(title, whatGoesWithProjects(trials), "Remove trials"))) return false;
    for (const trial of trials) await attempt(() => removeProject(trial));
    return true;
  });

export const renameVideo = ({ id, name }) =>
  attempt(async () => {
    const given = await askName("Rename video", name);
    if (given) await patch(`/videos/${id}`, { name: given });
    return Boolean(given);
  });

export const renameProject = (project) =>
  attempt(async () => {
    const given = await askName(`Rename ${isTrial(project) ? "trial" : "project"}`, plainName(project));
    if (given) await patch(`/projects/${project.id}`, { name: isTrial(project) ? TRIAL + given : given });
    return Boolean(given);
  });
