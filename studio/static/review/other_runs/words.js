/* What differs between two runs, in words. In: entries of a comparison. Out: text. Pure functions. */

import { counted, framesText } from "../operations/sentence.js";

const ICONS = { shape: "masks", only_now: "minus", only_then: "plus", category: "looks" };

export const iconOf = ({ kind }) => ICONS[kind];

/** 3: worth a look first. */
export const levelOf = ({ kind, iou }) => (kind === "shape" ? (iou < 0.5 ? 2 : 1) : 3);

/** "dog 3: another shape", "an owl that is not shown" */
export function difference(entry, comparison) {
  const couple = comparison.tracks.find(({ track, other }) => track === entry.track && other === entry.other);
  const now = couple && couple.track !== null ? `${couple.category} ${couple.track}` : "";
  const then = couple?.other_category ?? "";
  if (entry.kind === "category") return `${now} is “${then}” there`;
  if (entry.kind === "shape") return `${now} has another shape there`;
  if (entry.kind === "only_now") return entry.other === null ? `${now} is not found there` : `${now} is missing there`;
  return entry.track === null ? `A ${then} that is not shown here` : `${now} is found there too`;
}

/** "Frames 30 to 35 · IoU 0.41 · 2 verified" */
export function facts({ kind, start, stop, iou, verified }) {
  const where = framesText([start, stop - 1]);
  const parts = [capital(where), kind === "shape" && `IoU ${iou.toFixed(2)}`, verified > 0 && `${verified} verified`];
  return parts.filter(Boolean).join(" · ");
}

/** How alike two runs are: "4 objects in both, mean IoU 0.83. 1 only here, 2 only there." */
export function summary({ tracks, total, frames, length }) {
  const both = tracks.filter(({ track, other }) => track !== null && other !== null);
  const here = tracks.filter(({ other }) => other === null).length;
  const there = tracks.filter(({ track }) => track === null).length;
  const mean = both.reduce((sum, { iou }) => sum + iou, 0) / (both.length || 1);
  const alike = both.length ? `${counted(both.length, "object")} in both, mean IoU ${mean.toFixed(2)}.` : "No object is in both.";
  const alone = [here && `${here} only here`, there && `${there} only there`].filter(Boolean).join(", ");
  const far = frames < length ? ` Compared so far: ${frames} of ${length} frames.` : "";
  return `${alike}${alone && ` ${alone}.`}${total === 0 ? " Nothing differs." : ""}${far}`;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
