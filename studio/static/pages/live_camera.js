/* The Try page's camera: its picture, what the model sees in it as it comes, and the recording afterwards.

   One frame is under way at a time, always the newest one; the picture on show is the one that the masks belong to, and the camera itself
   is a small picture in the corner. The model runs in a process of the server, which ends when no frame comes. */

import { get, post, postBlob, remove, url } from "./api.js";
import { Camera } from "./camera.js";
import { attempt, element, icon, notify } from "./dom.js";
import { stageOf } from "./live_view.js";
import { go } from "./shell.js";
import { decodeCounts } from "../review/rle.js";

const LATELY = 3000; // milliseconds that the numbers are about

/* Frames per second, latency and dropped frames, from what is told of every frame that is done. */
export class Numbers {
  #done = []; // [when, latency] in milliseconds
  dropped = 0;

  add(now, latency, dropped) {
    this.dropped += dropped;
    this.#done.push([now, latency]);
    this.#done = this.#done.filter(([when], index, all) => now - when <= LATELY || index >= all.length - 2);
  }

  get fps() {
    const [first, last] = [this.#done[0], this.#done.at(-1)];
    return this.#done.length > 1 && last[0] > first[0] ? (1000 * (this.#done.length - 1)) / (last[0] - first[0]) : 0;
  }

  get latency() {
    const sorted = this.#done.map(([, latency]) => latency).sort((a, b) => a - b);
    return sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
  }

  text(objects) {
    const count = objects === 1 ? "1 object" : `${objects} objects`;
    const speed = this.fps ? `${this.fps.toFixed(1)} frames/s · ` : "";
    const dropped = `${this.dropped} ${this.dropped === 1 ? "frame" : "frames"} dropped`;
    return `${count} · ${speed}${Math.round(this.latency)} ms latency · ${dropped}`;
  }
}

export class LiveCamera {
  #session = null; // its id, from the start until the recording is kept or thrown away
  #stopped = true;

  constructor() {
    this.video = element("video.camera-picture", { muted: true, playsInline: true });
    this.camera = new Camera(this.video, () => {
      this.stop();
      notify("The camera is gone. Plug it in again.", "error");
    });
    Object.assign(this, stageOf());
    this.root = element("div.camera-view", {}, this.stage.root, this.video);
    addEventListener("pagehide", () => {
      if (this.#session) fetch(url(`/live/${this.#session}`), { method: "DELETE", keepalive: true });
    });
  }

  get isRunning() {
    return !this.#stopped;
  }

  /** Shows the camera alone. */
  async preview() {
    this.root.classList.remove("following");
    await this.camera.open();
  }

  /** Turns the camera off, which ends what `follow` does after the frame that is under way. */
  stop() {
    this.#stopped = true;
    this.camera.close();
  }

  /** Follows what the camera shows until `stop`; `say` gets the line below the picture. Resolves to whether there is a recording. */
  async follow(settings, say) {
    await this.discard();
    this.#stopped = false;
    try {
      await this.camera.open();
      say("Loading the model");
      this.#session = (await post("/live", settings)).session;
      this.stage.clear();
      this.store.set({ video: this.camera.size, tracks: [] });
      this.stage.fit();
      await this.#loop(say);
    } catch (error) {
      if (!this.#session) throw error;
      notify(error.message, "error"); // what was recorded until then can still be kept
    } finally {
      this.#stopped = true;
      this.camera.close();
    }
    return (await post(`/live/${this.#session}/stop`)).recording;
  }

  async #loop(say) {
    const numbers = new Numbers();
    let first = null;
    while (!this.#stopped) {
      const frame = await this.camera.next();
      if (!frame || this.#stopped) break;
      first ??= frame.time;
      const seconds = Math.max(0, (frame.time - first) / 1000);
      const answer = await postBlob(`/live/${this.#session}/frames?t=${seconds.toFixed(6)}`, frame.jpeg);
      this.#show(frame, answer.tracks);
      const now = performance.now();
      numbers.add(now, now - frame.time, frame.dropped);
      say(numbers.text(answer.tracks.length));
    }
  }

  #show({ bitmap, time }, seen) {
    this.root.classList.add("following");
    const tracks = seen.map(({ track, category, color, score }) => ({ id: track, category, color, score }));
    const entries = seen.map((one) => ({ ...one, frame: time, runs: decodeCounts(one.counts) }));
    this.store.set({ tracks });
    this.stage.show(time, bitmap, entries);
    this.shown?.close();
    this.shown = bitmap;
  }

  /** Throws the recording away. */
  async discard() {
    const session = this.#session;
    this.#session = null;
    if (session) await remove(`/live/${session}`).catch((error) => console.info("live:", error.message));
  }

  /** What can be done with the recording, as elements; `done` is called when it is kept or thrown away. */
  async choices(done) {
    const title = `Camera ${new Date().toLocaleString("sv-SE").slice(0, 16)}`; // as 2026-03-31 14:05
    const { projects } = await get("/projects");
    const option = (value, text) => element("option", { value }, text);
    const options = [option("", "New project"), ...projects.map((one) => option(String(one.id), one.name))];
    const select = element("select.text", { "aria-label": "Project for the recording" }, ...options);
    const keep = async () => {
      const project = select.value || (await post("/projects", { name: title })).id;
      const video = await post(`/live/${this.#session}/keep`, { project_id: Number(project), name: title });
      this.#session = null;
      done();
      notify(`${video.name} is in the Library now.`);
      go("library", { project: Number(project) });
    };
    const discard = async () => {
      await this.discard();
      done();
    };
    return [
      select,
      element("button.primary", { onclick: () => attempt(keep) }, icon("folder"), "Keep the recording"),
      element("button", { onclick: () => attempt(discard) }, icon("trash"), "Discard"),
    ];
  }
}
