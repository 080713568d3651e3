/* The ways into the category menu: change what the selected tracks are, as a whole or in part; start a new track.
   In: the parts of the page and the menu. Out: {openCategories({anchor, part}), openNewTrack()}. */

import { rangeText, trackNames } from "./operations/sentence.js";

export function createMenus({ store, commands, operations }, menu) {
  let lastUsed = null; // id of the category a new track most likely has

  const choose = (act) => (category) => {
    lastUsed = category.id;
    act(category);
  };

  /** Starts a track without masks and makes it ready for the brush. */
  const startTrack = (category, frame) =>
    operations.run("new_track", { category_id: category.id, frame }, {
      previewed: true,
      said: ({ track }) => `Track ${track} started. Paint it on this frame.`,
      then: ({ track }) => {
        commands.select(track);
        store.set({ tool: "brush" });
      },
    });

  return {
    /** part: only in the chosen span, or from this frame on; that part becomes a track of its own. */
    openCategories({ anchor = null, part = false } = {}) {
      const { video, tracks, selection, span, want } = store.state;
      const range = span ?? { start: want, stop: null };
      const where = part ? ` ${rangeText(range)}` : "";
      const used = [...new Set(tracks.filter(({ id }) => selection.includes(id)).map((track) => track.category_id))];
      const change = (category) => {
        const body = { tracks: selection, category_id: category.id };
        if (part) operations.run("change_category", { ...body, start: range.start, stop: range.stop }, { preview: true });
        else if (used.length > 1 || used[0] !== category.id) operations.run("change_category", body);
      };
      menu.open({
        title: `Category of ${trackNames(tracks, selection)}${where}`,
        categories: video.categories,
        current: used.length === 1 ? used[0] : null,
        anchor,
        choose: choose(change),
      });
    },

    openNewTrack() {
      const { video, want } = store.state;
      if (!video) return;
      menu.open({
        title: `New track on frame ${want}`,
        categories: video.categories,
        current: lastUsed,
        choose: choose((category) => startTrack(category, want)),
      });
    },
  };
}
