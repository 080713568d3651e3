/* Which frame is on show. Wishes come faster than frames load: the latest wish wins and none is counted twice,
   because steps add to the frame that is wanted, not to the one that is on screen.
   In: load(frame) -> content, show(frame, content). Out: state keys `want` and `frame`. */

const PATIENCE = 250; // ms that a frame may take when another one is wanted already

export class Navigator {
  #outdated = false;
  #running = null;

  /** failed: (error, frame) -> void, called when the frame still wanted could not be loaded. */
  constructor(store, { load, show, failed }) {
    Object.assign(this, { store, load, show, failed });
  }

  step(delta) {
    this.go(this.store.state.want + delta);
  }

  go(frame) {
    const { video, want } = this.store.state;
    if (!video) return;
    const target = Math.max(0, Math.min(video.length - 1, Math.round(frame)));
    if (target !== want) this.store.set({ want: target, direction: target > want ? 1 : -1 });
    this.#run();
  }

  /** Loads the frame on show once more, because its masks changed. */
  refresh() {
    this.#outdated = true;
    this.#run();
  }

  async idle() {
    while (this.#running) await this.#running;
  }

  #run() {
    if (!this.#running) this.#running = this.#pump().finally(() => (this.#running = null));
  }

  async #pump() {
    const { state } = this.store;
    while (state.video && (this.#outdated || state.frame !== state.want)) {
      const { video, want } = state;
      this.#outdated = false;
      try {
        const content = await this.#loadWhileWanted(want);
        if (content === null || state.video === null || state.video.id !== video.id) continue;
        this.show(want, content);
        this.store.set({ frame: want });
      } catch (error) {
        if (state.want !== want || state.video?.id !== video.id) continue;
        this.failed(error, want);
        return;
      }
    }
  }

  /** The frame's content. Null where it takes long and another frame is wanted by then: whoever drags on sees what comes
   *  quickly, and never waits for what they have left. */
  #loadWhileWanted(frame) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => {
        clearInterval(timer);
        how(value);
      };
      const timer = setInterval(() => this.store.state.want !== frame && settle(resolve, null), PATIENCE);
      this.load(frame).then(
        (content) => settle(resolve, content),
        (error) => settle(reject, error),
      );
    });
  }
}
