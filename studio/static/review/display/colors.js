/* What the colour of a mask says: its track, its category, who made it, or how sure the model was.
   In: a track, an entry of the mask cache, the state (colorBy, video, tracks). Out: "#rrggbb", and the legend's rows.
   The palettes stay distinguishable for people who see no red, no green or no blue; a test simulates that. */

/** Okabe and Ito, "Color Universal Design" (2008), without black, and a light grey. */
export const CATEGORIES = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#d9d9d9"];

export const SOURCES = {
  model: ["#56b4e9", "Model"],
  user: ["#e69f00", "Person"],
  propagated: ["#f0e442", "Propagated"],
  interpolated: ["#cc79a7", "Interpolated"],
};

/** From unsure to sure, getting lighter all the way, so that the order is seen without colour too. */
export const CONFIDENCE = [
  [0.2, "#7a3f9d", "below 0.2"],
  [0.4, "#4f6fc4", "0.2 to 0.4"],
  [0.6, "#2f9fb0", "0.4 to 0.6"],
  [0.8, "#6fce7c", "0.6 to 0.8"],
  [Infinity, "#fbe94a", "0.8 and more"],
];
const BY_HAND = "#f2f2f2";
const UNKNOWN = "#b8bec8";

export const COLOR_BY = { track: "Track", category: "Category", source: "Source", confidence: "Confidence" };

export function colorOf(track, entry, state) {
  switch (state.colorBy) {
    case "category":
      return categoryColors(state).get(track.category_id) ?? UNKNOWN;
    case "source":
      return (SOURCES[entry.source] ?? SOURCES.model)[0];
    case "confidence":
      return confidenceColor(entry.score ?? (entry.source === "model" ? track.score : null));
    default:
      return track.color;
  }
}

/** Rows {color, text} that explain the colours in use; none for tracks, whose colours the list shows. */
export function legendOf(state) {
  if (state.colorBy === "category") {
    const names = new Map((state.video?.categories ?? []).map(({ id, name }) => [id, name]));
    return [...categoryColors(state)].map(([id, color]) => ({ color, text: names.get(id) ?? "no category" }));
  }
  if (state.colorBy === "source") return Object.values(SOURCES).map(([color, text]) => ({ color, text }));
  if (state.colorBy === "confidence") {
    return [...CONFIDENCE.map(([, color, text]) => ({ color, text })), { color: BY_HAND, text: "drawn" }];
  }
  return [];
}

function confidenceColor(score) {
  if (typeof score !== "number") return BY_HAND;
  return CONFIDENCE.find(([below]) => score < below)[1];
}

const known = new WeakMap(); // the list of tracks -> colours of its categories

/** Colours for the categories that the video's tracks have, in the order of their ids: few of them differ most. */
function categoryColors({ tracks }) {
  if (!known.has(tracks)) {
    const ids = [...new Set(tracks.map((track) => track.category_id))].sort((a, b) => a - b);
    known.set(tracks, new Map(ids.map((id, i) => [id, CATEGORIES[i % CATEGORIES.length]])));
  }
  return known.get(tracks);
}

/** "#rrggbb" -> opaque pixel as ImageData stores it (red in the lowest byte on every machine browsers run on). */
export function packColor(color) {
  const rgb = Number.parseInt(color.slice(1), 16);
  return ((255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}
