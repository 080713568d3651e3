/* How well a text fits what somebody typed. In: a query and a text. Out: a number, the higher the better; null: not at all.
   All letters of the query must come in their order; letters side by side and at the beginnings of words count more. */

export function fit(query, text) {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  const given = text.toLowerCase();
  if (!wanted) return 0;
  const at = given.indexOf(query.toLowerCase().trim());
  if (at >= 0) return 100 - at * 0.5 + (isStart(given, at) ? 20 : 0) - given.length * 0.05;
  let score = 0;
  let place = -1;
  for (const letter of wanted) {
    const next = bestNext(given, letter, place);
    if (next < 0) return null;
    score += next === place + 1 ? 4 : isStart(given, next) ? 3 : 1;
    place = next;
  }
  return score - given.length * 0.05;
}

/** The next letter: at the beginning of a word if one begins with it, else the first. */
function bestNext(text, letter, place) {
  const first = text.indexOf(letter, place + 1);
  if (first < 0 || first === place + 1) return first;
  for (let i = first; i >= 0; i = text.indexOf(letter, i + 1)) if (isStart(text, i)) return i;
  return first;
}

const isStart = (text, i) => i === 0 || !/[a-z0-9]/.test(text[i - 1]);

/** The best `most` of the items by the text that `textOf` gives, best first; without a query the first ones. */
export function best(items, query, textOf, most) {
  const fitting = items.map((item, i) => ({ item, i, score: fit(query, textOf(item)) })).filter(({ score }) => score !== null);
  return fitting.sort((a, b) => b.score - a.score || a.i - b.i).slice(0, most).map(({ item }) => item);
}
