/* Click an object: under the pointer appears what the model saw there, the likeliest first; wheel or Tab for the next one, a
   click or Enter takes it. It becomes the selected track's mask if that has none here, else a new track, and is followed
   through the other frames (Shift: this frame only). In: the parts of the page. Out: a tool (see pointer.js) with its options. */

import { follow } from "../controls.js";
import { covers } from "../mask.js";
import { trackName } from "../operations/sentence.js";
import { ORDER } from "../stage.js";
import { toScreen } from "../viewport.js";
import { Candidates } from "./candidates.js";
import { drawCandidate } from "./candidate_view.js";

export function createClickTool(parts) {
  const { store, stage, session, operations, commands, player, pointer, toast } = parts;
  const seen = new Candidates(parts, () => {
    store.set({ candidates: { list: seen.list, index: seen.index, message: seen.message } });
    stage.draw();
  });
  const active = () => store.state.tool === "click";

  /** The track that the mask would go to; null: a new one. */
  const target = () => {
    const { selected, locked, frame } = store.state;
    return selected === null || locked.has(selected) || session.masks?.find(frame, selected) ? null : selected;
  };

  const accept = async (alone) => {
    const candidate = seen.current;
    if (!candidate) {
      toast(seen.message || "The model saw nothing here.");
      return;
    }
    player.stop();
    const { frame, span, tracks } = store.state;
    const track = target();
    if (candidate.track !== null && candidate.track !== track) {
      commands.select(candidate.track);
      toast(`This is ${trackName(tracks, candidate.track)} already; it is selected now.`);
      return;
    }
    const range = alone ? { start: frame, stop: frame + 1 } : within(span, frame);
    const body = { frame, query: candidate.query, track, ...range, ...(track !== null && { rev: 0 }) };
    const answer = await operations.run("accept", body);
    if (!answer) return;
    commands.select(answer.track);
    if (active() && pointer.position) seen.look(pointer.position);
  };

  stage.addLayer({
    order: ORDER.candidates,
    draw(context, { view, size }) {
      const candidate = active() && seen.current;
      if (!candidate || candidate.frame !== store.state.frame) return;
      const shape = stage.shapeOf(candidate);
      if (!shape.crop) return;
      const corner = toScreen(view, shape.crop);
      drawCandidate(context, shape.path(view.scale), view, { ...corner, text: describe(candidate, seen, store.state) }, size);
    },
  });
  store.watch(["frame", "rev"], () => {
    if (active() && pointer.position) seen.look(pointer.position);
    else seen.clear();
  });

  return {
    cursor: "pointer",
    hover(point, event) {
      store.set({ hovered: null });
      if (event.pointerType !== "touch") seen.look(point);
    },
    leave: () => pointer.lastEvent === null && seen.clear(),
    exit: () => seen.clear(),
    down(point, event) {
      const crop = seen.current && stage.shapeOf(seen.current).crop;
      const looked = event.pointerType !== "touch" || (crop && covers(crop, point.x, point.y));
      return {
        move: () => {},
        end: async (_, released) => {
          await seen.look(point);
          if (released && looked) accept(released.shiftKey);
        },
        cancel: () => {},
      };
    },
    wheel(event) {
      if (seen.list.length < 2) return false;
      seen.step(event.deltaY > 0 ? 1 : -1);
      return true;
    },
    key(event) {
      if (!pointer.position || !["Tab", "Enter"].includes(event.key) || event.target.closest?.("button")) return false;
      if (event.key === "Enter") accept(event.shiftKey);
      else seen.step(event.shiftKey ? -1 : 1);
      return true;
    },
    options: [
      follow(store, ["candidates", "selected", "frame", "tracks", "locked", "rev"], (state) => goal(state, target()), { class: "ct-option-scope" }),
      follow(store, ["candidates"], ({ candidates }) => advice(candidates), { class: "ct-faint" }),
    ],
  };
}

const within = (span, frame) => (span && frame >= span.start && frame < span.stop ? { start: span.start, stop: span.stop } : {});

function goal({ candidates, tracks }, track) {
  const current = candidates?.list[candidates.index];
  if (candidates?.message) return candidates.message;
  if (current && current.track !== null && current.track !== track) return `${trackName(tracks, current.track)} already`;
  if (track !== null) return `Mask of ${trackName(tracks, track)}`;
  return current ? `New ${current.category}` : "New track";
}

function advice(candidates) {
  if (candidates?.message) return "";
  if (!candidates?.list.length) return "Point at an object";
  const others = candidates.list.length > 1 ? `${candidates.index + 1} of ${candidates.list.length}, wheel or Tab: next · ` : "";
  return `${others}click: take it · Shift: in this frame only`;
}

function describe({ category, score, track }, { list, index }, { tracks }) {
  const name = track === null ? category : `${trackName(tracks, track)} already`;
  return [name, score.toFixed(2), list.length > 1 ? `${index + 1}/${list.length}` : null].filter(Boolean).join(" · ");
}
