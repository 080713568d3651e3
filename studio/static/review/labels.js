/* The small name tags beside masks: "3 · person · 0.87".
   In: a 2d context in CSS pixels and tags {text, color, box, strong, locked} with boxes {x, y, width, height} on screen.
   Out: ink. A tag that finds no free place is left out unless it is strong (selected or under the pointer). */

const HEIGHT = 18;
const MARK = 12; // px before the text, for the track's colour
const PADDING = 6;
const LOCK = 13; // px for the padlock at the end of a locked track's tag
const GAP = 3;

export function drawLabels(context, tags, stage, font) {
  context.font = font;
  context.textBaseline = "middle";
  const placed = [];
  for (const tag of [...tags].sort((a, b) => Number(b.strong) - Number(a.strong))) {
    const width = Math.ceil(context.measureText(tag.text).width) + MARK + PADDING + (tag.locked ? LOCK : 0);
    const place = findPlace(tag.box, width, stage, placed, tag.strong);
    if (!place) continue;
    placed.push(place);
    drawTag(context, tag, place);
  }
}

/** Above the box, inside its top, below it: the first place that is free. */
function findPlace(box, width, stage, placed, strong) {
  const x = Math.max(2, Math.min(box.x, stage.width - width - 2));
  const candidates = [box.y - HEIGHT - GAP, box.y + GAP, box.y + box.height + GAP].map((y) => ({
    x,
    y: Math.max(2, Math.min(y, stage.height - HEIGHT - 2)),
    width,
    height: HEIGHT,
  }));
  const free = candidates.find((place) => !placed.some((other) => overlap(place, other)));
  return free ?? (strong ? candidates[0] : null);
}

/** Whether two boxes {x, y, width, height} share some area. */
export function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function drawTag(context, { text, color, strong, locked }, { x, y, width, height }) {
  context.fillStyle = strong ? "rgb(12 15 20 / 92%)" : "rgb(12 15 20 / 72%)";
  context.beginPath();
  context.roundRect(x, y, width, height, 4);
  context.fill();
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(x + 4, y + 4, 3, height - 8, 1.5);
  context.fill();
  context.fillStyle = "#ffffff";
  context.fillText(text, x + MARK, y + height / 2 + 0.5);
  if (locked) drawLock(context, x + width - LOCK, y + height / 2);
}

function drawLock(context, x, y) {
  context.fillRect(x, y - 1, 8, 6);
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x + 4, y - 1, 2.6, Math.PI, 0);
  context.stroke();
}

/** What a tag says: number, category, and the score or who drew the mask. */
export function labelText(track, entry) {
  const score = entry.score ?? track.score;
  const words = { user: "corrected", interpolated: "interpolated", propagated: "propagated" };
  const origin = words[entry.source] ?? (typeof score === "number" ? score.toFixed(2) : null);
  return [track.id, track.category, origin].filter((part) => part !== null && part !== undefined).join(" · ");
}
