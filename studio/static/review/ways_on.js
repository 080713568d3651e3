/* The ways on from a video: its project's annotations or the video with its tracks to take away, or its corrections taught to a model.
   In: the parts of the page. Out: an element for the head of the inspector; bindings without a key, for the palette. */

import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { visit } from "./page.js";
import { needVideo } from "./reasons.js";

export function createWaysOn({ store, api, bindings, toast }) {
  const teaching = () => `?view=finetune&project=${store.state.video.project_id}`;
  const draw = async () => {
    try {
      await api.drawVideo(store.state.video.id);
      visit("?view=export");
    } catch (error) {
      toast(error.message, { tone: "error" });
    }
  };
  const saved = ({ saving }) => (saving.pending ? "Some changes are not saved yet. Draw the video when they are." : null);
  const bind = (id, text, run, when) => ({ id, group: "Ways on", keys: [], text, run, when });
  bindings.add([
    bind("exportProject", "Export the project's annotations", () => visit(`?view=export&project=${store.state.video.project_id}`), needVideo),
    bind("drawVideo", "Draw the tracks into a video (MP4)", draw, (state) => needVideo(state) ?? saved(state)),
    bind("teach", "Fine-tune a model on the project's corrections", () => visit(teaching()), needVideo),
  ]);
  const way = (name, id, text) => {
    const run = () => bindings.run(bindings.get(id));
    return bindings.hint(button({ class: "ct-link ct-way", onclick: run }, icon(name), text), id);
  };
  const root = el("nav", { class: "ct-ways-on", "aria-label": "Ways on" }, way("download", "exportProject", "Export"), way("film", "drawVideo", "As video"), way("tune", "teach", "Fine-tune"));
  store.watch(["video"], ({ video }) => (root.hidden = !video));
  return root;
}
