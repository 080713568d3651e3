/* The timeline as a feature: its keys, the pictures' address, what it has to know. In: the parts of the page.
   Out: bindings (see features.js). */

import { needTracks, needVideo } from "../reasons.js";
import { keepKnowledge } from "./knowledge.js";
import { endingAt, startingAt } from "./span.js";
import { nextChange } from "./spans.js";

const PAGE = 10; // tracks
const NO_TRACK = "Select a track first: these are the places where it changes.";
const NO_SPAN = "No range is chosen.";

export function createTimelineTools(parts) {
  const { api, commands, navigator, player, store, timeline } = parts;
  const { state } = store;
  timeline.stripAddress = (video) => (start, stop, n, h) => api.stripUrl(video.id, { start, stop, n, h, v: video.version });
  const listed = () => state.listed ?? state.tracks.map(({ id }) => id);
  const walk = (delta) => () => commands.select(neighbour(listed(), state.selected, delta));
  const bind = (id, group, keys, text, run, rest = {}) => ({ id, group, keys, text, run, when: needVideo, ...rest });
  const ofSpan = { when: ({ span }) => (span ? null : NO_SPAN) };
  const ofTrack = { repeats: true, when: (now) => needVideo(now) ?? (now.selected === null ? NO_TRACK : null) };
  const ofList = { repeats: true, when: needTracks };
  const toggle = (key) => () => store.set({ [key]: !state[key] });
  const jump = (direction) => () => navigator.go(changeOf(state, direction));

  return {
    bindings: [
      bind("previousEdge", "Move", ["Ctrl+ArrowLeft"], "Where the track changed before", jump(-1), ofTrack),
      bind("nextEdge", "Move", ["Ctrl+ArrowRight"], "Where the track changes next", jump(1), ofTrack),
      bind("previousTrack", "Tracks", ["ArrowUp"], "Previous track of the list", walk(-1), ofList),
      bind("nextTrack", "Tracks", ["ArrowDown"], "Next track of the list", walk(1), ofList),
      bind("tracksBack", "Tracks", ["PageUp"], "Ten tracks up", walk(-PAGE), ofList),
      bind("tracksOn", "Tracks", ["PageDown"], "Ten tracks down", walk(PAGE), ofList),
      bind("rangeStart", "Timeline", ["I"], "Range starts here", () =>
        store.set({ span: startingAt(state.want, state.span, state.video.length) })),
      bind("rangeEnd", "Timeline", ["O"], "Range ends here", () => store.set({ span: endingAt(state.want, state.span) })),
      bind("clearRange", "Timeline", ["Shift+I"], "Clear the range", () => store.set({ span: null }), ofSpan),
      bind("wholeTimeline", "Timeline", ["T"], "Whole timeline; again: back, or the range", () => timeline.fit()),
      bind("slower", "Playback", ["<"], "Slower", () => player.changeSpeed(-1)),
      bind("faster", "Playback", [">"], "Faster", () => player.changeSpeed(1)),
      bind("loop", "Playback", ["Alt+L"], "Loop over the range, or the whole video", toggle("loop")),
      bind("presentOnly", "Playback", ["Alt+P"], "Play only where the selected track is", toggle("presentOnly")),
    ],
    end: keepKnowledge(parts),
  };
}

/** The track so many places up or down in the list; the first or last one when none of it is selected. */
export function neighbour(ids, selected, delta) {
  if (ids.length === 0) return null;
  const index = ids.indexOf(selected);
  if (index < 0) return delta > 0 ? ids[0] : ids.at(-1);
  return ids[Math.max(0, Math.min(ids.length - 1, index + delta))];
}

/** The frame at which the selected track next begins, ends, or changes its source or whether it is verified. */
function changeOf({ timeline, verified, selected, want, video }, direction) {
  const found = nextChange([timeline[selected] ?? [], verified?.[selected] ?? []], want, direction);
  return found ?? (direction > 0 ? video.length - 1 : 0);
}
