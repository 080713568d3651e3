/* The two ways into the category menu: change the selected track's category, start a new track.
   In: the store, the menu, commands, toast. Out: {openCategories(anchor), openNewTrack()}. */

export function createMenus(store, menu, commands, toast) {
  let lastUsed = null; // id of the category a new track most likely has

  const choose = (category, act) => {
    lastUsed = category.id;
    act(category);
  };

  return {
    openCategories(anchor = null) {
      const { video, tracks, selected } = store.state;
      const track = tracks.find(({ id }) => id === selected);
      if (!track) {
        toast("Select a track first: click a mask, a row of the list, or press ↓.");
        return;
      }
      menu.open({
        title: `Category of track ${track.id}`,
        categories: video.categories,
        current: track.category_id,
        anchor,
        choose: (category) => choose(category, () => {
          if (category.id !== track.category_id) commands.setCategory(track.id, category);
        }),
      });
    },

    openNewTrack() {
      const { video } = store.state;
      if (!video) return;
      menu.open({
        title: `New track on frame ${store.state.want}`,
        categories: video.categories,
        current: lastUsed,
        choose: (category) => choose(category, (chosen) => commands.newTrack(chosen)),
      });
    },
  };
}
