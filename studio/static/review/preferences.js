/* What a person set once and finds again: brush size, opacity, name tags. Kept in this browser only.
   In: the store. Out: the same keys after the next visit; defaults where nothing, or nonsense, is stored. */

const STORED = "ctvis.review";
const DEFAULTS = { brushSize: 16, opacity: 0.45, showLabels: true };

const VALID = {
  brushSize: (value) => Number.isInteger(value) && value >= 1 && value <= 200,
  opacity: (value) => typeof value === "number" && value >= 0 && value <= 1,
  showLabels: (value) => typeof value === "boolean",
};

export function loadPreferences() {
  const stored = readStored();
  return Object.fromEntries(
    Object.entries(DEFAULTS).map(([key, fallback]) => [key, VALID[key](stored[key]) ? stored[key] : fallback]),
  );
}

export function watchPreferences(store) {
  const keys = Object.keys(DEFAULTS);
  store.watch(keys, (state) => {
    const values = Object.fromEntries(keys.map((key) => [key, state[key]]));
    try {
      localStorage.setItem(STORED, JSON.stringify(values));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // storage is switched off or full: then nothing is kept
    }
  });
}

function readStored() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return {};
    throw error;
  }
}
