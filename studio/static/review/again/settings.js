/* The tracker's settings as people meet them: a name, a sentence, limits. In order of how much they change.
   A slider's scale may be bent so that small values have room. Knows nothing of the page. */

export const SLIDERS = [
  {
    name: "match_threshold", text: "How alike to be the same", least: 0.01, most: 0.99, step: 0.01,
    help: "A detection joins a track that it resembles more than this. Higher: fewer mix-ups, more pieces.",
  },
  {
    name: "max_absence", text: "Frames it may be unseen", least: 0, most: 300, step: 1, bent: true,
    help: "A track that is out of sight for longer is a new one when it comes back.",
  },
  {
    name: "init_threshold", text: "Surest first sight", least: 0, most: 0.99, step: 0.01,
    help: "Only a detection that scores more begins a track. Higher: fewer false tracks.",
  },
  {
    name: "select_threshold", text: "Least score", least: 0, most: 0.99, step: 0.01,
    help: "Detections that score less are not looked at. Not below what was stored.",
  },
  {
    name: "nms_threshold", text: "Overlap of duplicates", least: 0.05, most: 1, step: 0.01,
    help: "Of two masks that overlap more than this the surer one stays. 1: both stay.",
  },
  {
    name: "min_length", text: "Fewest frames of a track", least: 1, most: 100, step: 1, bent: true,
    help: "Tracks that are seen in fewer frames are left out.",
  },
];

export const CHECKS = [
  {
    name: "matching", text: "Best pairs overall", on: "hungarian", off: "greedy",
    help: "Instead of: the surest detection chooses its track first.",
  },
  {
    name: "class_aware_nms", text: "Only duplicates of one category", on: true, off: false,
    help: "A rider and a horse may then overlap as they like.",
  },
];

const STEPS = 100; // of a bent slider

/** Where the slider stands for a value, and back. A bent one gives small values more room. */
export function toPlace({ least, most, bent }, value) {
  return bent ? Math.round(Math.sqrt((value - least) / (most - least)) * STEPS) : value;
}

export function toValue({ least, most, bent }, place) {
  return bent ? least + Math.round((most - least) * (place / STEPS) ** 2) : place;
}

/** The attributes of its element; `floor`: nothing below that was stored. */
export function limits({ least, most, step, bent }, floor = 0) {
  return bent ? { min: 0, max: STEPS, step: 1 } : { min: Math.max(least, floor), max: most, step };
}

/** What differs between two sets of settings. */
export function changed(settings, from) {
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => value !== from[name]));
}

/** "0.30", "20" */
export function shown({ bent }, value) {
  return bent ? String(value) : value.toFixed(2);
}
