/* How much of the video is verified, always in sight but small: a bar and a few words, all of them in its title.
   In: the parts of the page. Out: state key `progress` (as the server sends it), an element, a line for the help sheet. */

import { el, setText } from "../dom.js";

const QUIET = 1200; // ms after the latest change

/** What counts as verified, and what would raise it; keyOf: (id of a command) -> its key. */
export function verifiedHelp(keyOf) {
  const key = (id) => keyOf(id) || "its command";
  return `A mask is verified once somebody drew it or said that it is right: ${key("verify")} for the frame, ${key("verifyAll")} for the track. Frames without a mask do not count.`;
}

export function createProgress({ api, store, queue, keyOf }) {
  const fill = el("div", { class: "ct-verified-fill" });
  const bar = el("div", { class: "ct-verified-bar" }, fill);
  const text = el("span", { class: "ct-numbers" });
  const left = el("span", { class: "ct-faint ct-verified-left" });
  const root = el("div", { class: "ct-verified", role: "img" }, bar, text, left);

  let timer = null;
  async function refresh() {
    const { video } = store.state;
    if (!video) return;
    if (queue.busy) return soon(QUIET);
    try {
      const progress = await api.progress(video.id);
      if (store.state.video?.id === video.id) store.set({ progress });
    } catch {
      soon(10 * QUIET); // the studio does not answer: said elsewhere
    }
  }
  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  };
  let opened = null;
  const ends = [
    store.watch(["video", "rev"], ({ video }) => {
      const changed = (video?.id ?? null) !== opened;
      opened = video?.id ?? null;
      if (video) soon(changed ? 0 : QUIET);
    }),
    store.watch(["progress", "video", "keys"], ({ progress, video }) => {
      root.hidden = !video || !progress || progress.masks === 0;
      if (root.hidden) return;
      const share = progress.verified_masks / progress.masks;
      fill.style.width = `${100 * share}%`;
      setText(text, `${percent(share)} verified`);
      setText(left, timeLeft(progress));
      const words = inWords(progress);
      root.setAttribute("aria-label", words);
      root.title = `${words}\n${verifiedHelp(keyOf)}`;
    }),
    () => clearTimeout(timer),
  ];
  return { root, end: () => ends.forEach((end) => end()) };
}

/** Never 100 % before all is, never 0 % once something is. */
function percent(share) {
  if (share === 1 || share === 0) return `${100 * share} %`;
  return `${Math.min(99, Math.max(1, Math.round(100 * share)))} %`;
}

/** What is left, no more exact than it can be known. */
export function timeLeft({ seconds_left: seconds, masks, verified_masks: verified }) {
  if (seconds === null || verified === masks) return "";
  if (seconds < 90) return "about a minute left";
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.round(seconds / 3600)} h left`;
}

export function inWords(progress) {
  const parts = [
    `${progress.verified_masks} of ${progress.masks} masks verified`,
    `${progress.verified_frames} of ${progress.frames} frames`,
    `${progress.verified_tracks} of ${progress.tracks} tracks`,
  ];
  const left = timeLeft(progress);
  const pace = progress.masks_per_minute === null ? "" : ` at ${Math.round(progress.masks_per_minute)} masks a minute`;
  return parts.join(", ") + (left ? `; ${left}${pace}.` : ".");
}
