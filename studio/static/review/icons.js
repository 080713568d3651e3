/* The icons, drawn for this app on a 20 x 20 grid with 1.6 px strokes in the colour of the text around them.
   In: a name. Out: an <svg> element, hidden from screen readers (the button around it carries the name). */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  select: ["M5 3.5 L15.5 9.5 L10.8 10.9 L8.6 15.6 Z"],
  brush: ["M16.5 3.5 L8.8 11.2", "M7.6 10.6 C5.4 10.6 5.6 13.6 3.5 15.2 C6 16.8 9.6 15.6 9.4 12.4 Z"],
  eraser: ["M8 16 L3.8 11.8 L11.6 4 L16.4 8.8 L9.2 16 Z", "M7.6 8 L12.4 12.8", "M8 16 H16.5"],
  undo: ["M4 8 H12 A4 4 0 0 1 12 16 H8", "M7 4.8 L3.8 8 L7 11.2"],
  redo: ["M16 8 H8 A4 4 0 0 0 8 16 H12", "M13 4.8 L16.2 8 L13 11.2"],
  fit: ["M3.5 7 V3.5 H7", "M13 3.5 H16.5 V7", "M16.5 13 V16.5 H13", "M7 16.5 H3.5 V13"],
  plus: ["M10 4.5 V15.5", "M4.5 10 H15.5"],
  minus: ["M4.5 10 H15.5"],
  masks: ["M10 4 C14 4 16 6.6 16 9.4 C16 13 13.4 16 9.6 16 C6.2 16 4 13.6 4 10.4 C4 6.8 6.4 4 10 4 Z", "M5.2 12.6 L12.6 5.2", "M8 15.2 L15.2 8"],
  label: ["M3.5 6 H12 L16.5 10 L12 14 H3.5 Z", "M6.5 10 H10"],
  eye: ["M2.8 10 C5 6.6 7.4 5 10 5 C12.6 5 15 6.6 17.2 10 C15 13.4 12.6 15 10 15 C7.4 15 5 13.4 2.8 10 Z", "M10 7.8 A2.2 2.2 0 1 1 9.99 7.8"],
  eyeOff: ["M4.6 7.6 C3.9 8.3 3.3 9.1 2.8 10 C5 13.4 7.4 15 10 15 C11.2 15 12.4 14.7 13.5 14", "M8 5.3 C8.7 5.1 9.3 5 10 5 C12.6 5 15 6.6 17.2 10 C16.7 10.8 16.1 11.5 15.5 12.1", "M4 3.5 L16 16.5"],
  solo: ["M10 4 A6 6 0 1 1 9.99 4", "M10 7.8 A2.2 2.2 0 1 1 9.99 7.8"],
  trash: ["M4 5.8 H16", "M8 5.6 V3.8 H12 V5.6", "M5.6 5.8 L6.3 16.2 H13.7 L14.4 5.8", "M8.6 8.8 V13.2", "M11.4 8.8 V13.2"],
  cut: ["M3.5 6 H9.5", "M3.5 10 H9.5", "M3.5 14 H9.5", "M12.6 7.6 L17 12.4", "M17 7.6 L12.6 12.4"],
  category: ["M3.8 4 H10 L16.4 10.4 L10.4 16.4 L3.8 9.8 Z", "M7.2 7.2 L7.3 7.3"],
  play: ["M6.2 4 L15.6 10 L6.2 16 Z"],
  pause: ["M7 4.5 V15.5", "M13 4.5 V15.5"],
  first: ["M5 4.5 V15.5", "M15 4.8 L8 10 L15 15.2 Z"],
  last: ["M15 4.5 V15.5", "M5 4.8 L12 10 L5 15.2 Z"],
  previous: ["M12.4 4.8 L7 10 L12.4 15.2"],
  next: ["M7.6 4.8 L13 10 L7.6 15.2"],
  previousChange: ["M14.5 5 L9.5 10 L14.5 15", "M5.5 7 L8.5 10 L5.5 13 L2.5 10 Z"],
  nextChange: ["M5.5 5 L10.5 10 L5.5 15", "M14.5 7 L17.5 10 L14.5 13 L11.5 10 Z"],
  loop: ["M5 12.5 A4 4 0 0 1 6.5 6.5 H15", "M12.6 4 L15.2 6.5 L12.6 9", "M15 8.5 A4 4 0 0 1 13.5 14.5 H5", "M7.4 12 L4.8 14.5 L7.4 17"],
  present: ["M3 7.5 H8", "M12 7.5 H17", "M3 12.5 H5", "M8.5 12.5 H17"],
  legend: ["M4 5.5 H6.5", "M9.5 5.5 H16", "M4 10 H6.5", "M9.5 10 H16", "M4 14.5 H6.5", "M9.5 14.5 H16"],
  lock: ["M5 9 H15 V16 H5 Z", "M7 9 V6.8 A3 3 0 0 1 13 6.8 V9"],
  unlock: ["M5 9 H15 V16 H5 Z", "M7 9 V6.8 A3 3 0 0 1 12.6 5.4"],
  search: ["M8.8 4 A4.8 4.8 0 1 1 8.79 4", "M12.4 12.4 L16.4 16.4"],
  filter: ["M3.5 5 H16.5 L11.5 10.8 V16 L8.5 14.2 V10.8 Z"],
  help: ["M7.2 7.4 C7.2 5.8 8.4 4.8 10 4.8 C11.6 4.8 12.8 5.8 12.8 7.4 C12.8 9.2 10 9.6 10 11.8", "M10 14.9 L10 15"],
  close: ["M5 5 L15 15", "M15 5 L5 15"],
  check: ["M4 10.4 L8.2 14.6 L16 6"],
  pencil: ["M4 16 L4.8 12.6 L13.4 4 L16 6.6 L7.4 15.2 Z"],
};

const FILLED = new Set(["play"]);

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "ct-icon");
  svg.setAttribute("aria-hidden", "true");
  for (const data of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", data);
    if (FILLED.has(name)) path.setAttribute("fill", "currentColor");
    svg.append(path);
  }
  return svg;
}
