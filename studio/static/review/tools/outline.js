/* What of a polygon is near a point: corner or edge. In: points {x, y}, all in the same pixels. Out: indices. Plain arithmetic. */

/** Index of the nearest corner within reach, or null. */
export function closestVertex(points, at, reach) {
  let best = null;
  let least = reach;
  points.forEach((point, i) => {
    const distance = Math.hypot(point.x - at.x, point.y - at.y);
    if (distance <= least) [best, least] = [i, distance];
  });
  return best;
}

/** {edge, point}: the nearest edge within reach, from corner `edge` to the next one, and its point nearest to `at`; or null. */
export function closestEdge(points, at, reach) {
  let best = null;
  let least = reach;
  points.forEach((a, edge) => {
    const b = points[(edge + 1) % points.length];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const squared = dx * dx + dy * dy;
    const along = squared ? Math.min(1, Math.max(0, ((at.x - a.x) * dx + (at.y - a.y) * dy) / squared)) : 0;
    const point = { x: a.x + along * dx, y: a.y + along * dy };
    const distance = Math.hypot(point.x - at.x, point.y - at.y);
    if (distance <= least) [best, least] = [{ edge, point }, distance];
  });
  return best;
}
