/* Playback at the speed of the source's own timestamps: the clock decides which frame is due; frames that are not here in
   time are dropped and counted. In: state keys `speed`, `loop`, `span`, `presentOnly`; ready(frame), the navigator.
   Out: state keys `playing` and `dropped` (frames that were due and not shown since play began). */

import { Playlist, segmentsToPlay } from "./playback/playlist.js";
import { secondsOf } from "./timeline/time.js";

export const SPEEDS = [0.25, 0.5, 1, 2, 4];
const REPLAN = ["speed", "loop", "span", "presentOnly", "selected", "timeline", "times"];
const LONGEST_WAIT = 400; // ms without a frame before one is waited for
const ASLEEP = 1000; // ms between two ticks: the tab was not on screen, and the clock goes on from here
const SOON = 10; // frames before a jump in which what follows is fetched

export class Player {
  #plan = null; // {playlist, time in ms, seconds at that time, speed, place shown last}
  #shownAt = 0;
  #ticked = 0;

  /** ready: (frame) -> whether it can be shown at once; prefetch: (frame) -> fetches what follows it. */
  constructor(store, navigator, { ready, prefetch }) {
    Object.assign(this, { store, navigator, ready, prefetch });
    store.watch(REPLAN, () => (this.#plan = null));
  }

  toggle() {
    if (this.store.state.playing) this.stop();
    else this.play();
  }

  play() {
    const { video, playing } = this.store.state;
    if (!video || video.length < 2 || playing) return;
    this.#plan = null;
    this.store.set({ playing: true, dropped: 0 });
    const { playlist } = this.#newPlan(0);
    const place = playlist.placeOf(this.store.state.want);
    const ended = !this.store.state.loop && place === playlist.count - 1;
    this.navigator.go(playlist.frameAt(ended ? 0 : place));
    requestAnimationFrame((time) => this.#tick(time));
  }

  stop() {
    this.store.set({ playing: false });
  }

  /** The next faster (1) or slower (-1) speed. */
  changeSpeed(direction) {
    const place = SPEEDS.indexOf(this.store.state.speed ?? 1) + direction;
    this.store.set({ speed: SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place))] });
  }

  #newPlan(time) {
    const { state } = this.store;
    const playlist = new Playlist(segmentsToPlay(state), secondsAt(state));
    const place = playlist.placeOf(state.want);
    return { playlist, time, seconds: playlist.secondsTo(place), speed: state.speed ?? 1, place };
  }

  #tick(time) {
    const { state } = this.store;
    if (!state.playing || !state.video) return;
    if (!this.#plan || time - this.#ticked > ASLEEP) {
      this.#plan = this.#newPlan(time);
      this.#shownAt = time;
    }
    this.#ticked = time;
    const { playlist } = this.#plan;
    const due = this.#due(time);
    if (state.frame === state.want) this.#advance(due, time);
    this.#fetchAhead(due);
    const last = playlist.count - 1;
    if (!state.loop && this.#plan?.place >= last && state.frame === playlist.frameAt(last)) this.stop();
    else requestAnimationFrame((later) => this.#tick(later));
  }

  #due(time) {
    const { playlist, time: began, seconds, speed } = this.#plan;
    const due = playlist.placeAt(seconds + ((time - began) * speed) / 1000);
    return this.store.state.loop ? due : Math.min(playlist.count - 1, due);
  }

  #advance(due, time) {
    const { playlist, place } = this.#plan;
    const next = this.#newestReady(due, time);
    if (next <= place) return;
    const { dropped } = this.store.state;
    this.#plan.place = next;
    this.#shownAt = time;
    if (next > place + 1) this.store.set({ dropped: dropped + next - place - 1 });
    this.navigator.go(playlist.frameAt(next));
  }

  /** The latest place up to the due one whose frame is here. The due one itself when it is the last, when the way there
   *  jumps (nothing has fetched what lies behind a jump), or when nothing came for long. */
  #newestReady(due, time) {
    const { playlist, place } = this.#plan;
    for (let next = due; next > place; next--) if (this.ready(playlist.frameAt(next))) return next;
    const last = !this.store.state.loop && due === playlist.count - 1;
    return last || !playlist.sameStretch(place, due) || time - this.#shownAt > LONGEST_WAIT ? due : place;
  }

  #fetchAhead(due) {
    if (!this.#plan) return;
    const { playlist, place } = this.#plan;
    const from = Math.max(due, place);
    const jumps = [...Array(SOON).keys()].find((step) => !playlist.sameStretch(from, from + step + 1));
    if (jumps === undefined) this.prefetch(playlist.frameAt(from));
    else this.prefetch(playlist.nextStart(from) - 1);
  }
}

/** When a frame is shown; the frame after the last one: when the last one has been shown as long as usual. */
function secondsAt(state) {
  const { length, fps } = state.video;
  return (frame) => (frame < length ? secondsOf(frame, state) : secondsOf(length - 1, state) + 1 / fps);
}
