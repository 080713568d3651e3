/* The colour in which lists and timeline show a track, by the state key `colorBy`.
   In: a track of the list and the state. Out: a colour, or null where the track has none. */

const SOURCES = { model: "#4e8cff", user: "#f2a33a" };
const SCORES = ["#d1495b", "#e07b39", "#e3b341", "#7fb069", "#3a9d7c"]; // from unsure to sure

export function colorOf(track, { colorBy, video }) {
  if (colorBy === "category") return video?.categories.find(({ id }) => id === track.category_id)?.color ?? track.color;
  if (colorBy === "source") return SOURCES[track.source] ?? track.color;
  if (colorBy === "confidence" && typeof track.score === "number") return scoreColor(track.score);
  return track.color;
}

export function scoreColor(score) {
  return SCORES[Math.max(0, Math.min(SCORES.length - 1, Math.floor(score * SCORES.length)))];
}
