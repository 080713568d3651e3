/* A list of thousands of rows of one height, of which only those in sight are in the page.
   In: a function that makes a row of an item. Out: {root, show(items), reveal(index)}. */

import { el, oncePerFrame } from "../dom.js";

const SPARE = 6; // rows above and below what is in sight

/** keyOf(item) names a row; a row is made anew only when its item is another object. */
export function createVirtualList({ rowHeight, create, keyOf, label }) {
  let items = [];
  const rows = new Map(); // key -> {item, element}
  const body = el("ul", { class: "ct-virtual-body", "aria-label": label });
  const root = el("div", { class: "ct-virtual", onscroll: () => draw() }, body);
  const draw = oncePerFrame(drawNow);
  new ResizeObserver(draw).observe(root);

  function drawNow() {
    const first = Math.max(0, Math.floor(root.scrollTop / rowHeight) - SPARE);
    const last = Math.min(items.length, Math.ceil((root.scrollTop + root.clientHeight) / rowHeight) + SPARE);
    const wanted = new Map(items.slice(first, last).map((item, i) => [keyOf(item), { item, index: first + i }]));
    for (const [key, row] of rows) {
      if (wanted.get(key)?.item === row.item) continue;
      row.element.remove();
      rows.delete(key);
    }
    for (const [key, { item, index }] of wanted) {
      if (!rows.has(key)) rows.set(key, { item, element: create(item) });
      const { element } = rows.get(key);
      element.style.transform = `translateY(${index * rowHeight}px)`;
      element.setAttribute("aria-posinset", String(index + 1));
      element.setAttribute("aria-setsize", String(items.length));
      if (!element.isConnected) body.append(element);
    }
  }

  return {
    root,
    show(next) {
      items = next;
      body.style.height = `${items.length * rowHeight}px`;
      draw();
    },
    /** Makes all rows anew, because what they show of other things has changed. */
    renew() {
      for (const { element } of rows.values()) element.remove();
      rows.clear();
      draw();
    },
    reveal(index) {
      const top = index * rowHeight;
      if (top < root.scrollTop) root.scrollTop = top;
      else if (top + rowHeight > root.scrollTop + root.clientHeight) root.scrollTop = top + rowHeight - root.clientHeight;
      draw();
    },
  };
}
