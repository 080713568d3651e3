/* Where things lie on the timeline, in CSS pixels from its upper left corner: names at the left, above the rows a ruler, a
   lane for marks and, where there is one, a strip of pictures. In: the size of the timeline. Out: plain numbers. */

export const GUTTER = 148; // for the tracks' names
export const END = 12; // free at the right end
export const RULER = 26;
export const LANE = 18;
export const STRIP = 40;
export const ROW = 24;

/** Within a row, from its top. */
export const BAR = { verified: 3, top: 6, height: 10, bottom: 16, heat: 23 };

/** {width of the time axis, rowsTop, ...} for a timeline of this size; strip: whether there are pictures. */
export function measure(clientWidth, clientHeight, scrollTop, strip) {
  const stripTop = RULER + LANE;
  const rowsTop = stripTop + (strip ? STRIP : 0);
  return {
    full: clientWidth, height: clientHeight, scrollTop, stripTop, rowsTop,
    width: Math.max(1, clientWidth - GUTTER - END),
    rowsHeight: Math.max(0, clientHeight - rowsTop),
  };
}

/** What lies at a point: {region: gutter, ruler, lane, strip or rows, x on the time axis, row: index or -1}. */
export function placeAt(geometry, left, top) {
  const x = left - GUTTER;
  const row = top >= geometry.rowsTop ? Math.floor((top - geometry.rowsTop + geometry.scrollTop) / ROW) : -1;
  const inTime = row >= 0 ? "rows" : top < RULER ? "ruler" : top < geometry.stripTop ? "lane" : "strip";
  return { region: x < 0 ? "gutter" : inTime, x, y: top, row };
}

/** First and last (exclusive) row in sight. */
export function rowsInSight({ scrollTop, rowsHeight }, count) {
  return [Math.max(0, Math.floor(scrollTop / ROW)), Math.min(count, Math.ceil((scrollTop + rowsHeight) / ROW))];
}
