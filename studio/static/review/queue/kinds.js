/* The kinds of suspicious moments in words, with a symbol each. In: a moment. Out: text, and <svg> elements.
   The symbols are drawn here on the grid of icons.js (20 x 20). */

const SVG = "http://www.w3.org/2000/svg";

export const KINDS = {
  switch: { title: "Tracks change places", path: "M3.5 6.5 H9 L13 13.5 H16.5 M14 11 L16.5 13.5 L14 16 M3.5 13.5 H9 L10 11.8 M11.8 8.6 L13 6.5 H16.5 M14 4 L16.5 6.5 L14 9" },
  hesitation: { title: "The model hesitated", path: "M3.5 10 H8 M8 10 L15.5 5 M8 10 L15.5 15 M12.6 4.4 L15.8 4.8 L14.4 7.8 M12.6 15.6 L15.8 15.2 L14.4 12.2" },
  same: { title: "Two tracks look the same", path: "M3.5 10 H8 M12 10 H16.5 M8 7.5 V12.5 M12 7.5 V12.5" },
  jump: { title: "Sudden jump", path: "M3.5 14 H6 C8 14 8 5.5 11 5.5 H16 M13.6 3.2 L16.2 5.5 L13.6 7.8" },
  area: { title: "Sudden change of size", path: "M4 12 H8 V16 H4 Z M10 4 H16.5 V10.5 H10 Z" },
  flicker: { title: "Missing for some frames", path: "M3 10 H6 M8.2 10 H9.2 M11 10 H12 M14 10 H17" },
  score: { title: "The model was not sure", path: "M4 15.5 A7 7 0 1 1 16 15.5 M10 12.5 L6.4 8.9" },
  short: { title: "Only a few frames", path: "M8 10 H12 M8 7.5 V12.5 M12 7.5 V12.5" },
  overlap: { title: "Masks overlap", path: "M12.2 10 A4.4 4.4 0 1 1 3.4 10 A4.4 4.4 0 1 1 12.2 10 M16.6 10 A4.4 4.4 0 1 1 7.8 10 A4.4 4.4 0 1 1 16.6 10" },
  departure: { title: "Ends in the middle of the picture", path: "M3.5 4.5 H16.5 V15.5 H3.5 Z M6 10 H11 M11.5 8 L13.5 12 M13.5 8 L11.5 12" },
};

export const DOUBTED = new Set(["score", "short"]); // kinds in which the whole track may be nothing

const UNKNOWN = { title: "Suspicious", path: "M10 4 V12 M10 15.4 V15.6" };

export const kindTitle = (kind) => (KINDS[kind] ?? UNKNOWN).title;

export function kindIcon(kind) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "ct-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", (KINDS[kind] ?? UNKNOWN).path);
  svg.append(path);
  return svg;
}

/** How bad a moment is: 3 is worst. */
export function severityLevel({ severity }) {
  if (severity >= 0.75) return 3;
  return severity >= 0.5 ? 2 : 1;
}

export const SEVERITY_WORDS = { 3: "very likely an error", 2: "likely an error", 1: "worth a look" };

/** What the offered operation would do, as the text of a button; null where there is none. */
export function remedyText({ kind, remedy }) {
  if (!remedy) return null;
  const texts = {
    swap: ({ start }) => `Swap from frame ${start} on`,
    merge: () => "Compare the two…",
    interpolate: ({ start, stop }) =>
      `${kind === "area" ? "Redraw" : "Fill"} ${framesText(start + 1, stop - 1)} from ${start} and ${stop}`,
    delete: ({ tracks }) => `Delete track ${tracks.join(", ")}`,
  };
  return texts[remedy.op]?.(remedy) ?? remedy.op.replaceAll("_", " ");
}

/** "frames 20–22" or "frame 20"; initial: its first letter. */
export const framesText = (first, last, initial = "f") =>
  first === last ? `${initial}rame ${first}` : `${initial}rames ${first}–${last}`;

/** The tracks that a moment is about, its own first. */
export const tracksOf = ({ track, other }) => (other === null ? [track] : [track, other]);
