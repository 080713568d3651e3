/* Operations in words. In: what the server says of an operation (its preview or its answer). Out: text. Pure functions. */

const IMPERATIVES = {
  Swapped: "Swap", Split: "Split", Merged: "Merge", Moved: "Move", Deleted: "Delete", Changed: "Change", Verified: "Verify",
  Unverified: "Take back that you verified", Went: "Go", Copied: "Copy", Interpolated: "Interpolate", Scaled: "Scale",
  Propagated: "Propagate", Tracked: "Track", Drew: "Draw", Filled: "Fill", Removed: "Remove", Grew: "Grow", Shrank: "Shrink",
  Smoothed: "Smooth", New: "New", Carried: "Carry", Set: "Set", Took: "Take",
};

/** What would be done, from what the log will say: "Merged dog 2 into dog 1" -> "Merge dog 2 into dog 1?" */
export function question(summary) {
  const [first, ...rest] = summary.split(" ");
  return `${[IMPERATIVES[first] ?? first, ...rest].join(" ")}?`;
}

/** What was done: the log's words and how much it was. */
export function deed({ summary, masks, spared }) {
  const left = spared ? ` ${counted(spared, "verified one")} left alone.` : "";
  return masks ? `${summary}: ${counted(masks, "mask")}.${left}` : `${summary}.${left}`;
}

/** "1 mask", "20 masks" */
export function counted(number, noun, plural = `${noun}s`) {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** "frame 7", "frames 7 to 19", "the whole video" for [first, last] or null. */
export function framesText(frames) {
  if (!frames) return "the whole video";
  const [first, last] = frames;
  return first === last ? `frame ${first}` : `frames ${first} to ${last}`;
}

/** "from frame 10 on", "in frames 10 to 19" for {start, stop (exclusive) or null} */
export function rangeText({ start, stop }) {
  return stop === null ? `from frame ${start} on` : `in frames ${start} to ${stop - 1}`;
}

/** A track as people know it: "dog 3"; "a new track" for null. */
export function trackName(tracks, id) {
  if (id === null) return "a new track";
  const track = tracks.find((candidate) => candidate.id === id);
  return `${track?.category ?? "track"} ${id}`;
}

/** "dog 1", "dog 1 and dog 2", "5 tracks" */
export function trackNames(tracks, ids) {
  if (ids.length > 3) return counted(ids.length, "track");
  const names = ids.map((id) => trackName(tracks, id));
  return [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
}

/** Spans of frames with an exclusive end: "10 to 12, 40". At most `most` of them. */
export function spansText(spans, most = 4) {
  const texts = spans.slice(0, most).map(([start, stop]) => (stop - start === 1 ? `${start}` : `${start} to ${stop - 1}`));
  return texts.join(", ") + (spans.length > most ? ", …" : "");
}
