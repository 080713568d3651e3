/* One export or drawn video as a row: what it is, how much is in it, and its files to take away, each with its kind and size.
   In: its job, and what it left (null: not known yet). Out: an element. */

import { url } from "./api.js";
import { ago, element, fileSize, icon } from "./dom.js";
import { cancel, hasEnded, progressBar, progressText, stateOf } from "./jobs.js";

export function exportRow(job, result) {
  const done = job.state === "done";
  const at = job.finished_at ?? job.created_at;
  return element(
    `article.job.${job.state}`,
    { dataset: { job: job.id } },
    element(
      "div.job-line",
      {},
      element(
        "div.grow",
        {},
        element("div.made-title", {}, element("strong", {}, job.title), element("span.muted", {}, formatOf(job))),
        element("div.muted", { title: new Date(at).toLocaleString() }, done ? [contentsOf(job, result), ago(at)].filter(Boolean).join(" · ") : progressText(job)),
      ),
      done && downloads(result),
      !done && element(`span.badge.${job.state}`, {}, stateOf(job)),
      !hasEnded(job) && element("button.quiet", { title: "Stop this export", "aria-label": `Stop exporting ${job.title}`, onclick: () => cancel(job) }, icon("stop")),
    ),
    !hasEnded(job) && progressBar(job.progress),
  );
}

const formatOf = (job) => (job.kind === "overlay" ? "Video with its tracks drawn" : "YouTube-VIS annotations");

/* "2 videos · 5 tracks · 1,204 masks in 150 frames", as far as it is known. */
function contentsOf(job, result) {
  if (job.kind === "overlay") return counted(job.frames_total, "frame");
  if (!result?.contents) return "";
  const { videos, frames, tracks, masks } = result.contents;
  return `${counted(videos, "video")} · ${counted(tracks, "track")} · ${counted(masks, "mask")} in ${counted(frames, "frame")}`;
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const WORDS = {
  json: () => ["JSON", "The annotations alone"],
  zip: (frames) => (frames ? ["ZIP with frames", "The annotations and the frames as JPEG"] : ["ZIP", "The same annotations, packed"]),
  mp4: () => ["MP4", "The video as it was drawn"],
};

/* The main one is what was asked for: the frames where they were, else the annotations. */
function downloads(result) {
  if (result === null) return null;
  if (result.files.length === 0) return element("span.muted", {}, "Its files are gone");
  const main = result.frames ? "zip" : "json";
  const links = result.files.map(({ kind, href, bytes }) => {
    const [name, title] = WORDS[kind](result.frames);
    const primary = kind === main || kind === "mp4" ? ".primary" : "";
    return element(`a.button${primary}`, { href: url(href), download: "", title }, icon("download"), `${name} · ${fileSize(bytes)}`);
  });
  return element("div.made-files", {}, ...links);
}
