/* The help sheet: every command and gesture with its keys, searchable; a click on a key changes it. Own keys are kept per
   person (preferences.js). In: the bindings and gestures. Out: a <dialog> with open(). */

import { button, el, onKeyWhileShown, setText } from "./dom.js";
import { icon } from "./icons.js";
import { keyCaps, keyName } from "./keys.js";
import { fit } from "./operations/fuzzy.js";
import { verifiedHelp } from "./queue/progress.js";
import { createSigns } from "./timeline/legend.js";

const FIRST = ["Queue", "Move"]; // groups that a newcomer wants; the others follow as they are bound
const NOTES = { Verify: verifiedHelp }; // under the title of a group: (id -> key) -> sentence
const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock"]);

export function createHelp({ bindings, store, timeline }, gestures) {
  const signs = createSigns(timeline);
  const legend = el("section", { class: "ct-help-signs" }, el("h3", {}, signs.title), signs.root);
  const label = "Search commands and keys";
  const search = el("input", { class: "ct-input", type: "search", placeholder: "Search…", "aria-label": label });
  const groups = el("div", { class: "ct-help-groups" });
  const said = el("p", { class: "ct-help-said", role: "status" });
  const always = el("input", { type: "checkbox", onchange: () => store.set({ alwaysPreview: always.checked }) });
  const reset = button({ class: "ct-link", onclick: () => store.set({ keys: {} }) }, "Reset all keys");
  const dialog = el(
    "dialog",
    { class: "ct-help", "aria-label": "Keyboard shortcuts", tabindex: -1 },
    el(
      "header",
      { class: "ct-help-head" },
      el("h2", {}, "Keyboard shortcuts"),
      search,
      button({ class: "ct-icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close")),
    ),
    el(
      "div",
      { class: "ct-help-tools" },
      el("label", { class: "ct-sheet-check" }, always, "Operations always say first what they would do"),
      said,
      reset,
    ),
    groups,
  );
  let asking = null; // {id, index}: the key that is being changed

  /** keys undefined: those it has by itself. */
  const change = (id, keys) => {
    const { [id]: _, ...others } = store.state.keys;
    store.set({ keys: keys ? { ...others, [id]: keys } : others });
  };
  const ask = (id, index) => {
    asking = { id, index };
    setText(said, `Press the new key for “${bindings.get(id).text}”. Backspace: none. Esc: as it was.`);
    show();
    dialog.focus(); // the button that was pressed is gone
  };
  const take = (key) => {
    const { id, index } = asking;
    const other = bindings.at(key);
    asking = null;
    setText(said, "");
    if (key === "Escape" || (other && other.id === id)) return show();
    const keys = [...bindings.keysOf(id)];
    if (key === "Backspace") keys.splice(index, 1);
    else keys[index] = key;
    if (key !== "Backspace" && other) {
      change(other.id, bindings.keysOf(other.id).filter((own) => own !== key));
      const now = bindings.keyOf(other.id) ? "keeps its other key" : "has none now";
      setText(said, `${capsText(key)} was the key of “${other.text}”, which ${now}.`);
    }
    return change(id, keys);
  };

  const show = () => {
    const entries = [...bindings.list, ...gestures].filter((entry) => matches(bindings, entry, search.value));
    const names = [...new Set([...FIRST, ...entries.map(({ group }) => group)])];
    const createGroup = (group) => {
      const own = entries.filter((entry) => entry.group === group);
      if (!own.length) return null;
      const rows = own.map((entry) => createRow(bindings, store, entry, asking, { ask, change }));
      const note = NOTES[group]?.((id) => bindings.keyOf(id));
      return el("section", {}, el("h3", {}, group), note && el("p", { class: "ct-help-note" }, note), el("dl", {}, rows));
    };
    const signsToo = fit(search.value, `${signs.title} ${signs.root.textContent}`) !== null;
    groups.replaceChildren(...names.map(createGroup).filter(Boolean), ...(signsToo ? [legend] : []));
    if (!groups.hasChildNodes()) groups.append(el("p", { class: "ct-empty" }, "No command is called so."));
    always.checked = store.state.alwaysPreview;
    reset.hidden = Object.keys(store.state.keys).length === 0;
  };

  search.addEventListener("input", show);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  onKeyWhileShown(dialog, (event) => {
    if (asking ? MODIFIERS.has(event.key) : event.key !== "?") return;
    event.preventDefault();
    event.stopPropagation();
    if (asking) take(keyName(event));
    else dialog.close();
  });
  dialog.addEventListener("close", () => {
    asking = null;
    setText(said, "");
  });
  store.watch(["keys"], () => dialog.open && show());
  const open = () => {
    search.value = "";
    show();
    signs.draw();
    dialog.showModal();
  };
  return { root: dialog, open };
}

function matches(bindings, { id, text, group, keys, caps }, query) {
  const shown = caps ?? (id ? bindings.keysOf(id) : keys).map(capsText);
  return fit(query, `${text} ${group} ${shown.join(" ")}`) !== null;
}

function createRow(bindings, store, entry, asking, { ask, change }) {
  const { id, text, keys, caps } = entry;
  const own = id && store.state.keys[id];
  const reset = { class: "ct-link", onclick: () => change(id, undefined), title: `Back to ${keys?.map(capsText).join(" or ")}` };
  const back = own ? button(reset, "Reset") : null;
  const shown = id ? editable(bindings, id, asking, ask) : caps ? combination(caps) : alternatives(keys);
  return el("div", { class: "ct-help-row" }, el("dt", {}, text), el("dd", {}, back, shown));
}

/** The keys of a command as buttons that change them. */
function editable(bindings, id, asking, ask) {
  const keys = bindings.keysOf(id);
  const shown = (keys.length ? keys : [null]).map((key, index) => {
    const waiting = asking?.id === id && asking.index === index;
    const caps = waiting ? ["press a key"] : key ? keyCaps(key) : ["no key"];
    const label = `Change the key of ${bindings.get(id).text}${key ? `, now ${capsText(key)}` : ""}`;
    const classes = waiting ? "ct-key-button ct-waiting" : "ct-key-button";
    const attributes = { class: classes, title: "Change this key", "aria-label": label, onclick: () => ask(id, index) };
    return button(attributes, combination(caps));
  });
  return shown.flatMap((element, i) => (i > 0 ? [el("span", { class: "ct-faint" }, "or"), element] : [element]));
}

/** "Ctrl+Z" */
const capsText = (key) => keyCaps(key).join("+");

function alternatives(keys) {
  return keys.flatMap((key, i) => [i > 0 ? el("span", { class: "ct-faint" }, "or") : null, combination(keyCaps(key))]);
}

function combination(caps) {
  return el("span", { class: "ct-combination" }, caps.map((cap) => el("kbd", { class: "ct-key-cap" }, cap)));
}
