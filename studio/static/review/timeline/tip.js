/* A note beside the pointer: what the mark, the bar or the frame under it is, in words.
   In: a place on the timeline. Out: an element that shows and hides. */

import { el } from "../dom.js";
import { clusterUnder } from "./pointer.js";
import { clamp, xToFrame } from "./scale.js";
import { firstAfter, spanAt } from "./spans.js";
import { secondsOf, timecode } from "./time.js";

const MOST = 4; // marks of a cluster that are told one by one
const SOURCES = { model: "by the model", user: "by a person", propagated: "propagated", interpolated: "interpolated" };

export class Tip {
  constructor(timeline) {
    this.timeline = timeline;
    this.root = el("div", { class: "ct-timeline-tip", hidden: true });
  }

  show(place, event) {
    const lines = place.region === "gutter" ? [] : describe(place, this.timeline);
    this.root.hidden = lines.length === 0;
    if (this.root.hidden) return;
    this.root.replaceChildren(...lines.map((line) => el("div", {}, line)));
    const box = this.timeline.root.getBoundingClientRect();
    const left = clamp(event.clientX - box.left + 14, 0, Math.max(0, box.width - this.root.offsetWidth - 4));
    this.root.style.transform = `translate(${left}px, ${event.clientY - box.top - this.root.offsetHeight - 10}px)`;
  }

  hide() {
    this.root.hidden = true;
  }
}

/** Lines of text about a place; none where there is nothing to say. */
export function describe(place, timeline) {
  const cluster = clusterUnder(place, timeline);
  if (cluster) return describeCluster(cluster);
  const { state } = timeline.store;
  const frame = xToFrame(place.x, timeline.range, timeline.width, timeline.length);
  const where = `Frame ${frame} · ${timecode(secondsOf(frame, state))}`;
  const track = timeline.rows[place.row];
  if (!track) return place.row < 0 ? [where] : [];
  const name = `Track ${track.id}${track.category ? ` · ${track.category}` : ""}`;
  const span = spanAt((state.timelinePreview ?? state.timeline)[track.id] ?? [], frame);
  if (!span) return [name, `${where} · absent`];
  const verified = spanAt(state.verified?.[track.id] ?? [], frame) ? ", verified" : "";
  const made = `Frames ${span[0]} to ${span[1] - 1} ${SOURCES[span[2]] ?? SOURCES.model}${verified}`;
  return [name, where, made, ...describeScore(track, frame, state)];
}

function describeScore(track, frame, { confidence, video }) {
  const scores = confidence?.tracks[track.id];
  const score = scores?.[Math.floor((frame * scores.length) / video.length)];
  return typeof score === "number" ? [`Score ${score.toFixed(2)}`] : [];
}

function describeCluster({ marks }) {
  const lines = marks.slice(0, MOST).map(({ frame, text }) => `Frame ${frame}: ${text}`);
  return marks.length > MOST ? [...lines, `and ${marks.length - MOST} more`] : lines;
}

/** What a screen reader says about a frame: its number, its time, and whether the selected track is there. */
export function valueText(state) {
  const { video, want, selected, timeline, span } = state;
  if (!video) return "";
  const parts = [`Frame ${want} of ${video.length}, ${timecode(secondsOf(want, state))}`];
  if (selected !== null) {
    const spans = timeline[selected] ?? [];
    const here = spans[firstAfter(spans, want)]?.[0] <= want;
    parts.push(`track ${selected} ${here ? "present" : "absent"}`);
  }
  if (span) parts.push(`range ${span.start} to ${span.stop - 1}`);
  return parts.join(", ");
}
