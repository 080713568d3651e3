/* What timeline and playback know beyond the lists: how sure the model was (state key `confidence`: {bins, tracks, best}) and
   when each frame is shown (`times`: seconds per frame, or null for a constant rate).
   In: the open video and its revision. Out: those keys, some time after a change. Without an answer both stay as they are. */

import { ApiError } from "../api.js";
import { isRunning } from "../session.js";

const BINS = 2048;
const FIRST = 300; // ms after opening: the picture comes first
const LATER = 1500; // ms after a change, so that strokes ask once
const RUNNING = 8000; // ms while the model is at work

/** Returns a function that ends it. */
export function keepKnowledge({ store, api }) {
  let opened = null;
  let timer = null;

  const ask = async (video, key, fetch) => {
    try {
      const answer = await fetch();
      if (store.state.video?.id === video.id) store.set({ [key]: answer });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // nothing to say: the timeline goes without
    }
  };
  const askConfidence = (video) => ask(video, "confidence", () => api.confidence(video.id, Math.min(BINS, video.length)));

  const forget = store.watch(["video", "rev"], ({ video }) => {
    clearTimeout(timer);
    if (!video) {
      opened = null;
      store.set({ confidence: null, times: null });
      return;
    }
    const fresh = opened !== video.id;
    if (fresh) {
      opened = video.id;
      store.set({ confidence: null, times: null });
      ask(video, "times", async () => (await api.times(video.id)).times);
    }
    timer = setTimeout(() => askConfidence(video), fresh ? FIRST : isRunning(video.run) ? RUNNING : LATER);
  });
  return () => {
    clearTimeout(timer);
    forget();
  };
}
