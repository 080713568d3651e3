/* Which tracks the list shows, and in which order. In: the state and a choice {search, sort, reverse, category, state, least,
   most (score), shortest, longest (masks), here}. Out: ids, and what a track's state of review is. Plain functions. */

import { coverage, spanAt } from "../timeline/spans.js";

export const NO_FILTER = {
  search: "", category: null, state: "any", least: null, most: null, shortest: null, longest: null, here: false,
};
export const NO_CHOICE = { ...NO_FILTER, sort: "id", reverse: false };

export const SORTS = { id: "Number", category: "Category", score: "Score", length: "Masks", first: "First frame", state: "State" };
export const STATES = {
  any: "Any state", untouched: "Untouched", partly: "Partly verified", verified: "Verified", suspicious: "Suspicious",
};
const RANKS = { untouched: 1, partly: 2, verified: 3 };

export const isFiltering = (choice) => Object.keys(NO_FILTER).some((key) => choice[key] !== NO_FILTER[key]);

/** "verified" when all its masks are, "partly" when some are or a person drew some, else "untouched". */
export function stateOf(track, { timeline, verified = {} }) {
  const right = coverage(verified[track.id] ?? []);
  if (track.count > 0 && right >= track.count) return "verified";
  const touched = right > 0 || (timeline[track.id] ?? []).some(([, , source]) => source === "user");
  return touched ? "partly" : "untouched";
}

/** Track id -> the severity of its worst open suspicious moment. */
export function doubtsOf(suggestions = []) {
  const worst = new Map();
  for (const { state = "open", severity = 0, track, other } of suggestions) {
    if (state !== "open") continue;
    for (const id of [track, other]) if (id != null) worst.set(id, Math.max(severity, worst.get(id) ?? 0));
  }
  return worst;
}

/** Track id -> "suspicious" as long as there is an open moment, else its state of review. */
export function reviewsOf(state) {
  const doubts = doubtsOf(state.suggestions);
  return new Map(state.tracks.map((track) => [track.id, doubts.has(track.id) ? "suspicious" : stateOf(track, state)]));
}

/** Ids of the tracks that the choice lets through, in its order. */
export function listTracks(state, choice) {
  const doubts = doubtsOf(state.suggestions);
  const shown = state.tracks.filter((track) => passes(track, choice, state, doubts));
  const value = valueFor(choice.sort, state, doubts);
  const keyed = shown.map((track) => ({ id: track.id, key: value(track) }));
  const direction = choice.reverse ? -1 : 1;
  keyed.sort((a, b) => direction * compare(a.key, b.key) || a.id - b.id);
  return keyed.map(({ id }) => id);
}

function passes(track, choice, state, doubts) {
  const within = (value, low, high) => (low === null || value >= low) && (high === null || value <= high);
  const right =
    choice.state === "any" ||
    (choice.state === "suspicious" ? doubts.has(track.id) : stateOf(track, state) === choice.state);
  return (
    right &&
    matches(track, choice.search) &&
    (choice.category === null || track.category_id === choice.category) &&
    (noScore(track) ? choice.least === null && choice.most === null : within(track.score, choice.least, choice.most)) &&
    within(track.count, choice.shortest, choice.longest) &&
    (!choice.here || spanAt(state.timeline[track.id] ?? [], state.frame) !== null)
  );
}

const noScore = ({ score }) => typeof score !== "number";

/** Every word is the track's number, or a part of its category's name. */
function matches(track, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const name = (track.category ?? "").toLowerCase();
  return words.every((word) => String(track.id) === word.replace(/^#/, "") || name.includes(word));
}

function valueFor(sort, state, doubts) {
  return {
    id: (track) => track.id,
    category: (track) => track.category ?? "",
    score: (track) => (noScore(track) ? 2 : track.score),
    length: (track) => track.count,
    first: (track) => track.first ?? Infinity,
    state: (track) => (doubts.has(track.id) ? -doubts.get(track.id) : RANKS[stateOf(track, state)]),
  }[sort];
}

function compare(a, b) {
  if (typeof a === "string") return a.localeCompare(b);
  return a === b ? 0 : a - b;
}
