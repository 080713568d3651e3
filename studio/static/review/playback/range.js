/* The chosen range of frames in words, and the way to be rid of it. In: the parts of the page. Out: an element. */

import { button, el, setText } from "../dom.js";
import { icon } from "../icons.js";
import { spanText } from "../timeline/time.js";

export function createRange({ store, navigator, bindings }) {
  const frames = el("span");
  const lasting = el("span", { class: "ct-range-long" });
  const first = () => navigator.go(store.state.span.start);
  const words = button({ class: "ct-range-words", title: "Go to the start of the range", onclick: first }, frames, lasting);
  const clear = button({ class: "ct-icon-button ct-small", onclick: () => store.set({ span: null }) }, icon("close"));
  bindings.hint(clear, "clearRange");
  const root = el("div", { class: "ct-range", role: "status", "aria-label": "Range of frames" }, words, clear);
  store.watch(["span", "video", "times"], (state) => {
    const { span, video } = state;
    root.hidden = !span || !video;
    if (root.hidden) return;
    setText(frames, `${span.start}–${span.stop - 1}`);
    setText(lasting, ` · ${spanText(span, state)}`);
    words.title = `${spanText(span, state)}. Go to the start of the range`;
  });
  return root;
}
