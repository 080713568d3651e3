/* window.__studio: what tests may look at and wait for. In: the parts of the stage. Out: a read-only view of them. */

export function createTestHook({ store, session, queue, stage, operations, bindings }) {
  return {
    /** A copy of what is plain data in the state. */
    get state() {
      const { saving, progress, ...rest } = store.state;
      const plain = Object.entries(rest).map(([key, value]) => [key, value instanceof Set ? [...value] : value]);
      const { state, pending, message } = saving;
      return structuredClone({ ...Object.fromEntries(plain), verifiedProgress: progress, saving: state, pending, message });
    },
    /** All commands: [{id, keys}]. */
    get commands() {
      return bindings.list.map(({ id }) => ({ id, keys: bindings.keysOf(id) }));
    },
    get frame() {
      return store.state.frame;
    },
    get want() {
      return store.state.want;
    },
    get drawnFrame() {
      return store.state.drawnFrame;
    },
    get selected() {
      return store.state.selected;
    },
    get rev() {
      return store.state.rev;
    },
    get saving() {
      return store.state.saving.state;
    },
    /** Whether closing the page would lose something. */
    get atRisk() {
      return queue.atRisk;
    },

    /** Goes to a frame as a click on the timeline does. */
    go(frame) {
      session.navigator.go(frame);
    },

    /** Resolves when the wanted frame is on show, all is saved and the lists are fresh. */
    async idle() {
      await operations.idle();
      await queue.idle();
      await session.idle();
      await queue.idle();
    },

    /** The mask as shown, as plain numbers, or null. */
    runs(frame, track) {
      const entry = session.masks?.find(frame, track);
      return entry ? [...entry.runs] : null;
    },

    /** A point of the source (its pixel's middle) in coordinates of the window. */
    clientPoint(x, y) {
      const { view } = store.state;
      const box = stage.root.getBoundingClientRect();
      return { x: box.left + view.x + (x + 0.5) * view.scale, y: box.top + view.y + (y + 0.5) * view.scale };
    },
  };
}
