/* The timeline's colours and fonts, read from the style sheet's tokens; patterns that tell sources apart without colour.
   In: an element of the page. Out: plain values for a canvas. Read once per theme. */

const HEAT = ["heat-1", "heat-2", "heat-3", "heat-4", "heat-5"]; // from nearly sure to unsure

export function readColors(element) {
  const style = getComputedStyle(element);
  const color = (name) => style.getPropertyValue(`--ct-${name}`).trim();
  const family = style.fontFamily;
  return {
    text: color("text"), muted: color("text-muted"), faint: color("text-faint"), surface: color("surface"),
    sunken: color("surface-sunken"), border: color("border"), strong: color("border-strong"), line: color("row-line"),
    selected: color("row-selected"), hover: color("hover"), tick: color("tick"), cursor: color("cursor"),
    accent: color("accent"), accentSoft: color("accent-soft"), accentText: color("accent-text"), success: color("success"),
    warning: color("warning"), danger: color("danger"),
    heat: HEAT.map(color),
    font: `500 12px ${family}`, smallFont: `11px ${family}`, tinyFont: `600 9px ${family}`,
  };
}

/** Diagonal stripes (propagated) and upright gaps (interpolated) in the surface's colour, to lay over a bar. */
export function createPatterns(context, { surface }) {
  return { propagated: stripes(context, surface), interpolated: gaps(context, surface) };
}

function stripes(context, color) {
  return pattern(context, 6, 6, (tile) => {
    tile.strokeStyle = color;
    tile.lineWidth = 1.6;
    for (const shift of [-6, 0, 6]) {
      tile.moveTo(shift - 1, 7);
      tile.lineTo(shift + 7, -1);
    }
    tile.stroke();
  });
}

function gaps(context, color) {
  return pattern(context, 5, 1, (tile) => {
    tile.fillStyle = color;
    tile.fillRect(3, 0, 2, 1);
  });
}

function pattern(context, width, height, draw) {
  const tile = new OffscreenCanvas(width, height);
  draw(tile.getContext("2d"));
  return context.createPattern(tile, "repeat");
}

/** The text cut with an ellipsis to fit into `room` pixels. */
export function shorten(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
