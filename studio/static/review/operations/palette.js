/* The command palette: type a few letters of anything and press Enter. Knows all commands, all tracks, "#123" for a frame,
   the categories (for the selected tracks) and the tabs. In: the bindings and the state. Out: a <dialog>. */

import { sayWhy } from "../bindings.js";
import { button, el, onKeyWhileShown } from "../dom.js";
import { icon } from "../icons.js";
import { best } from "./fuzzy.js";
import { trackName, trackNames } from "./sentence.js";

const MOST = 12; // on show

export function createPalette(parts) {
  const { bindings } = parts;
  const input = el("input", {
    class: "ct-input ct-palette-input", type: "text", placeholder: "A command, a track, #frame…", role: "combobox",
    "aria-label": "Search commands, tracks and frames", "aria-expanded": "true", "aria-controls": "ct-palette-list",
    autocomplete: "off",
  });
  const list = el("ul", { class: "ct-palette-list", id: "ct-palette-list", role: "listbox", "aria-label": "What is found" });
  const dialog = el("dialog", { class: "ct-palette", "aria-label": "Command palette" }, input, list);
  let items = [];
  let found = [];
  let current = 0;

  const mark = (index) => {
    current = Math.max(0, Math.min(found.length - 1, index));
    [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === current)));
    list.children[current]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found.length ? `ct-palette-${current}` : "");
  };
  const take = (item) => {
    if (!item) return;
    dialog.close();
    item.run();
  };
  const show = () => {
    const frame = frameItem(parts, input.value);
    const named = best(items, input.value, ({ text, also = "" }) => `${text} ${also}`, MOST);
    found = frame?.beyond ? [...named, frame] : [...(frame ? [frame] : []), ...named];
    const rows = found.map((item, i) => createRow(item, i, () => take(item)));
    list.replaceChildren(...(rows.length ? rows : [el("li", { class: "ct-empty" }, "Nothing is called so.")]));
    mark(0);
  };
  input.addEventListener("input", show);
  onKeyWhileShown(dialog, (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: MOST, PageUp: -MOST }[event.key];
    const again = bindings.keysOf("palette").includes("Ctrl+K") && event.ctrlKey && event.key.toLowerCase() === "k";
    if (step) mark(current + step);
    else if (event.key === "Enter") take(found[current]);
    else if (again) dialog.close();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  const open = () => {
    items = allItems(parts);
    input.value = "";
    show();
    dialog.showModal();
    input.focus();
  };
  return {
    bindings: [{ id: "palette", group: "View", keys: ["Ctrl+K"], text: "Command palette", run: open }],
    toolbar: [bindings.hint(button({ class: "ct-icon-button ct-palette-button", onclick: open }, icon("search")), "palette")],
    dialogs: [dialog],
  };
}

function allItems(parts) {
  const { bindings, store, commands, navigator, operations, root } = parts;
  const { tracks, video, selection, timeline } = store.state;
  const doable = bindings.list.filter((binding) => binding.id !== "palette");
  const ofBindings = doable.map((binding) => ({
    text: binding.text, also: binding.group, cap: bindings.keyOf(binding.id), kind: binding.group,
    why: bindings.why(binding), run: () => bindings.run(binding),
  }));
  const show = (track) => {
    commands.select(track.id);
    const spans = timeline[track.id] ?? [];
    const { want } = store.state;
    const here = spans.some(([start, stop]) => want >= start && want < stop);
    if (!here && track.first !== null) navigator.go(track.first);
  };
  const ofTracks = tracks.map((track) => ({
    text: trackName(tracks, track.id), also: "track", color: track.color, kind: "Track", run: () => show(track),
  }));
  const ofCategories = selection.length
    ? (video?.categories ?? []).map((category) => ({
        text: `Make ${trackNames(tracks, selection)} a ${category.name}`, also: "category", kind: "Category",
        run: () => operations.run("change_category", { tracks: selection, category_id: category.id }),
      }))
    : [];
  const ofTabs = [...root.querySelectorAll(".ct-tab")].map((tab) => ({
    text: `Show ${tab.dataset.title}`, also: "tab", kind: "Tab", run: () => tab.click(),
  }));
  return [...ofBindings, ...ofCategories, ...ofTracks, ...ofTabs];
}

/** "#123" or "123": go to that frame. beyond: the video has no such frame, so that what else has the number comes first. */
function frameItem({ store, navigator }, typed) {
  const frame = Number(/^\s*#?(\d{1,9})\s*$/.exec(typed)?.[1] ?? Number.NaN);
  const { video } = store.state;
  if (!video || Number.isNaN(frame)) return null;
  const last = video.length - 1;
  const text = frame > last ? `Go to the last frame, ${last}` : `Go to frame ${frame}`;
  return { text, kind: "Frame", beyond: frame > last, run: () => navigator.go(Math.min(frame, last)) };
}

function createRow({ text, cap, kind, color, why }, index, run) {
  const swatch = color ? el("span", { class: "ct-swatch" }) : null;
  swatch?.style.setProperty("--swatch", color);
  const row = el(
    "li",
    { class: why ? "ct-palette-row ct-muted" : "ct-palette-row", role: "option", id: `ct-palette-${index}`, onclick: run },
    swatch,
    el("span", { class: "ct-palette-text ct-ellipsis" }, text),
    el("span", { class: "ct-faint ct-ellipsis" }, why ?? kind),
    cap ? el("kbd", { class: "ct-key-cap" }, cap) : null,
  );
  sayWhy(row, why);
  return row;
}
