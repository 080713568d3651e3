/* The chosen range of frames in words, and the way to be rid of it. In: the parts of the page. Out: an element. */

import { button, el, setText } from "../dom.js";
import { icon } from "../icons.js";
import { spanText } from "../timeline/time.js";

export function createRange({ store, navigator, bindings }) {
  const words = button({ class: "ct-range-words", title: "Go to the start of the range", onclick: () => navigator.go(store.state.span.start) });
  const clear = button({ class: "ct-icon-button ct-small", onclick: () => store.set({ span: null }) }, icon("close"));
  bindings.hint(clear, "clearRange");
  const root = el("div", { class: "ct-range", role: "status", "aria-label": "Range of frames" }, words, clear);
  store.watch(["span", "video", "times"], (state) => {
    const { span, video } = state;
    root.hidden = !span || !video;
    if (!root.hidden) setText(words, `${span.start}–${span.stop - 1} · ${spanText(span, state)}`);
  });
  return root;
}
