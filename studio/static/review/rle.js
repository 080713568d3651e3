/* Run-length codes of masks, as COCO writes them: columns first, the first run counts zeros.
   In and out: "runs" are a Uint32Array of run lengths, "counts" the compressed COCO string.
   Pure functions on numbers; no canvas, no network. */

/** Compressed COCO string -> runs. Each number is a little-endian base-32 varint, from the third one on a difference
 *  to the run two before it. */
export function decodeCounts(counts) {
  const runs = [];
  let position = 0;
  while (position < counts.length) {
    let value = 0;
    let shift = 0;
    let digit;
    do {
      if (position >= counts.length) throw new Error("The mask's run-length code ends in the middle of a number.");
      digit = counts.charCodeAt(position++) - 48;
      value |= (digit & 31) << shift;
      shift += 5;
    } while (digit & 32);
    if (digit & 16 && shift < 32) value |= -1 << shift;
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return Uint32Array.from(runs);
}

/** Runs -> compressed COCO string. */
export function encodeCounts(runs) {
  let counts = "";
  for (let i = 0; i < runs.length; i++) {
    let value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    let more = true;
    while (more) {
      let digit = value & 31;
      value >>= 5;
      more = digit & 16 ? value !== -1 : value !== 0;
      if (more) digit |= 32;
      counts += String.fromCharCode(digit + 48);
    }
  }
  return counts;
}

/** Runs -> bits, a Uint8Array of 0 and 1 in column order: the pixel (x, y) is bits[x * height + y]. */
export function runsToBits(runs, width, height) {
  const bits = new Uint8Array(width * height);
  let position = 0;
  for (let i = 0; i < runs.length; i++) {
    if (i % 2 === 1) bits.fill(1, position, position + runs[i]);
    position += runs[i];
  }
  if (position !== bits.length) {
    throw new Error(`The mask's runs cover ${position} pixels, the frame has ${bits.length}.`);
  }
  return bits;
}

/** Bits in column order -> runs. */
export function bitsToRuns(bits) {
  const runs = [];
  let current = 0;
  let start = 0;
  while (start < bits.length) {
    let end = bits.indexOf(1 - current, start);
    if (end < 0) end = bits.length;
    runs.push(end - start);
    start = end;
    current = 1 - current;
  }
  return Uint32Array.from(runs.length ? runs : [0]);
}

/** A mask cut to a window {x, y, width, height, bits} -> runs of the whole frame. */
export function runsOfCrop({ x, y, height: rows, bits }, width, height) {
  const runs = [];
  let end = 0; // of the last stretch of set pixels, as a place in the frame
  for (let start = bits.indexOf(1); start >= 0; start = bits.indexOf(1, start)) {
    const column = Math.floor(start / rows);
    const next = bits.indexOf(0, start);
    const stop = Math.min(next < 0 ? bits.length : next, (column + 1) * rows);
    const place = (x + column) * height + y + start - column * rows;
    if (runs.length && place === end) runs[runs.length - 1] += stop - start; // goes on at the top of the next column
    else runs.push(place - end, stop - start);
    end = place + stop - start;
    start = stop;
    if (start >= bits.length) break;
  }
  if (end < width * height) runs.push(width * height - end);
  return Uint32Array.from(runs);
}

/** Number of pixels set. */
export function areaOfRuns(runs) {
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i];
  return area;
}

/** Runs -> the bytes the server takes: uint32, little-endian whatever the machine. */
export function runsToBytes(runs) {
  const bytes = new ArrayBuffer(runs.length * 4);
  const view = new DataView(bytes);
  runs.forEach((run, i) => view.setUint32(i * 4, run, true));
  return bytes;
}
