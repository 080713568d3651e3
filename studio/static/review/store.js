/* The state of the review stage in one plain object, with listeners per key.
   In: patches. Out: calls to the listeners of the keys whose value changed. Knows nothing of what the keys mean. */

export function createStore(initial) {
  const state = { ...initial };
  const listeners = new Set();

  return {
    state,

    /** Takes over the values of the patch and tells the listeners of the keys that changed. */
    set(patch) {
      const changed = Object.keys(patch).filter((key) => !Object.is(state[key], patch[key]));
      if (changed.length === 0) return;
      Object.assign(state, patch);
      for (const { keys, callback } of [...listeners]) {
        if (keys === null || changed.some((key) => keys.includes(key))) callback(state);
      }
    },

    /** Calls back now and whenever one of the keys (null: any key) changes; returns a function that ends it. */
    watch(keys, callback) {
      const listener = { keys, callback };
      listeners.add(listener);
      callback(state);
      return () => listeners.delete(listener);
    },

    /** Resolves once the state is as `holds` asks, at once if it is so; the keys are those that it looks at. */
    until(keys, holds) {
      if (holds(state)) return Promise.resolve();
      return new Promise((resolve) => {
        const stop = this.watch(keys, () => {
          if (!holds(state)) return;
          stop();
          resolve();
        });
      });
    },
  };
}
