/* Playback at the video's own speed: the clock decides which frame is due; frames that are not here in time are dropped.
   In: frame rate, ready(frame), the navigator. Out: state keys `playing` and `dropped` (frames skipped since play began). */

export class Player {
  #start = null; // {time in ms, frame}

  /** ready: (frame) -> whether it can be shown at once; prefetch: (frame) -> void. */
  constructor(store, navigator, { ready, prefetch }) {
    Object.assign(this, { store, navigator, ready, prefetch });
  }

  toggle() {
    if (this.store.state.playing) this.stop();
    else this.play();
  }

  play() {
    const { video, want } = this.store.state;
    if (!video || video.length < 2) return;
    if (want >= video.length - 1) this.navigator.go(0);
    this.#start = null;
    this.store.set({ playing: true, dropped: 0 });
    requestAnimationFrame((time) => this.#tick(time));
  }

  stop() {
    this.store.set({ playing: false });
  }

  #tick(time) {
    const { video, playing, want, frame, dropped } = this.store.state;
    if (!playing || !video) return;
    this.#start ??= { time, frame: want };
    const due = Math.min(video.length - 1, this.#start.frame + Math.floor(((time - this.#start.time) * video.fps) / 1000));
    const next = this.#newestReady(frame, due);
    if (next > frame && frame === want) {
      this.store.set({ dropped: dropped + (next - frame - 1) });
      this.navigator.go(next);
    }
    this.prefetch(Math.max(due, frame));
    if (frame >= video.length - 1) this.stop();
    else requestAnimationFrame((later) => this.#tick(later));
  }

  /** The latest frame up to the due one that is here; the due one itself when the video ends with it. */
  #newestReady(frame, due) {
    for (let candidate = due; candidate > frame; candidate--) if (this.ready(candidate)) return candidate;
    return due === this.store.state.video.length - 1 ? due : frame;
  }
}
