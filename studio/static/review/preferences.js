/* What a person set once and finds again: brush size, opacity, name tags, own keys. Kept in this browser, and by the studio
   for the person, so that it is the same in every browser.
   In: the store. Out: the same state keys after the next visit; defaults where nothing, or nonsense, is stored. */

import { ApiError } from "./api.js";

const STORED = "ctvis.review";
const UNSENT = "ctvis.review.unsent"; // set while this browser knows better than the studio
const SENT_AFTER = 600; // ms without a further change

/** Every preference: what it is at first, and whether a stored value can be one. */
const PREFERENCES = {
  brushSize: { first: 16, valid: whole(1, 200) },
  opacity: { first: 0.45, valid: (value) => typeof value === "number" && value >= 0 && value <= 1 },
  showLabels: { first: true, valid: isBoolean },
  maskStyle: { first: "both", valid: oneOf("both", "fill", "outline") },
  colorBy: { first: "track", valid: oneOf("track", "category", "source", "confidence") },
  trails: { first: false, valid: isBoolean },
  compareMode: { first: "split", valid: oneOf("split", "blink", "over") },
  shapeMode: { first: "add", valid: oneOf("add", "cut", "replace") }, // what polygons and boxes do to the mask
  speckSize: { first: 64, valid: whole(1, 10_000) }, // pixels; the others are radii in pixels
  growRadius: { first: 1, valid: whole(1, 100) },
  shrinkRadius: { first: 1, valid: whole(1, 100) },
  smoothRadius: { first: 2, valid: whole(1, 100) },
  alwaysPreview: { first: false, valid: isBoolean }, // operations say what they would do even where that is plain
  keys: { first: {}, valid: isKeys }, // own keys by binding
};
const NAMES = Object.keys(PREFERENCES);

function oneOf(...choices) {
  return (value) => choices.includes(value);
}

function whole(least, most) {
  return (value) => Number.isInteger(value) && value >= least && value <= most;
}

function isBoolean(value) {
  return typeof value === "boolean";
}

function isKeys(value) {
  const lists = value && typeof value === "object" && !Array.isArray(value) ? Object.values(value) : [null];
  return lists.every((keys) => Array.isArray(keys) && keys.every((key) => typeof key === "string"));
}

export function loadPreferences() {
  const stored = readStored();
  const firsts = NAMES.map((name) => [name, PREFERENCES[name].first]);
  return { ...Object.fromEntries(firsts), ...validOf(stored) };
}

export function watchPreferences(store) {
  store.watch(NAMES, (state) => {
    remember(STORED, JSON.stringify(preferencesOf(state)));
  });
}

/** Takes over what the studio keeps for the person, then sends every change there. Without an answer this browser's own
 *  preferences stay. Returns a function that ends it. */
export function sharePreferences(api, store) {
  let timer = null;
  let known = JSON.stringify(preferencesOf(store.state));
  const send = () => {
    const values = preferencesOf(store.state);
    known = JSON.stringify(values);
    api.savePreferences({ review: values }).then(() => remember(UNSENT, null), ignoreRefusal);
  };
  const end = store.watch(NAMES, (state) => {
    if (JSON.stringify(preferencesOf(state)) === known) return;
    remember(UNSENT, "yes");
    clearTimeout(timer);
    timer = setTimeout(send, SENT_AFTER);
  });
  if (recall(UNSENT)) send(); // changed at the end of the last visit
  else api.preferences().then(takeOver, ignoreRefusal);

  function takeOver({ review }) {
    if (recall(UNSENT)) return; // changed by now: that is newer
    const kept = validOf(review ?? {});
    known = JSON.stringify({ ...preferencesOf(store.state), ...kept });
    store.set(kept);
  }
  return () => {
    clearTimeout(timer);
    end();
  };
}

function preferencesOf(state) {
  return Object.fromEntries(NAMES.map((name) => [name, state[name]]));
}

function validOf(stored) {
  return Object.fromEntries(NAMES.filter((name) => PREFERENCES[name].valid(stored[name])).map((name) => [name, stored[name]]));
}

/** Preferences are a comfort: what the studio cannot keep, this browser keeps. */
function ignoreRefusal(error) {
  if (!(error instanceof ApiError)) throw error;
}

function readStored() {
  try {
    return JSON.parse(recall(STORED)) ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** text null: forget it. Where storage is switched off or full, nothing is kept. */
function remember(name, text) {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
