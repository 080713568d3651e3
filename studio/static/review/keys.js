/* The keyboard: which key was pressed, and what is bound to it (bindings.js).
   In: key events; a key is written "Ctrl+Shift+Z", "ArrowLeft", "[". Out: calls to the bindings.
   Keys typed into a field, or while the stage is not on screen, are left alone. */

const INSTALLED = Symbol.for("ctvis.review.keys");
const TYPING = "input, textarea, select, [contenteditable]:not([contenteditable=false])";

/** Listens on the document until the next installation or the returned function is called.
 *  first: (event) -> whether it took the key, asked before the bindings: the tool in use. A binding with `hold` {down(),
 *  up({cancelled})} means something else while its key is held. */
export function installKeys(root, bindings, first = () => false) {
  document[INSTALLED]?.();
  const controller = new AbortController();
  const { signal } = controller;
  let held = null; // {code, hold}
  const release = (how) => {
    held?.hold.up(how);
    held = null;
  };

  document.addEventListener("keydown", (event) => {
    if (!isForStage(event, root)) return;
    if (event.key === " " && isOn(event, "button, [role=menuitem]")) return;
    const binding = bindings.at(keyName(event));
    if (binding?.hold) {
      event.preventDefault();
      if (event.repeat) return;
      release({ cancelled: true });
      held = { code: event.code, hold: binding.hold };
      held.hold.down();
      return;
    }
    if (first(event)) {
      event.preventDefault();
      return;
    }
    if (!binding || (event.key === "Enter" && isOn(event, "button"))) return;
    event.preventDefault();
    if (event.repeat && (!binding.repeats || bindings.why(binding))) return; // why, is said once
    bindings.run(binding);
  }, { signal });
  document.addEventListener("keyup", (event) => {
    if (event.code === held?.code) release({ cancelled: false });
  }, { signal });
  window.addEventListener("blur", () => release({ cancelled: true }), { signal });

  const remove = () => controller.abort();
  document[INSTALLED] = remove;
  return remove;
}

function isForStage(event, root) {
  if (event.defaultPrevented || event.isComposing) return false;
  if (!root.isConnected || root.offsetParent === null) return false;
  if (isOn(event, TYPING)) return false;
  return !document.querySelector("dialog[open]");
}

/** Whether the key goes to such an element. One in a dialog that has just closed keeps the focus until the next frame. */
function isOn(event, kind) {
  return event.target.closest?.(kind)?.checkVisibility() ?? false;
}

/** "Ctrl+Shift+Z" for an event. Letters go by their place on the keyboard where the layout has no Latin ones. */
export function keyName(event) {
  const altGraph = event.getModifierState?.("AltGraph");
  let key = event.key;
  if (key.length === 1 && !/[\x21-\x7e]/.test(key) && /^Key[A-Z]$/.test(event.code ?? "")) key = event.code.slice(3);
  const letter = /^[a-z]$/i.test(key);
  if (letter) key = key.toUpperCase();
  const parts = [];
  if ((event.ctrlKey || event.metaKey) && !altGraph) parts.push("Ctrl");
  if (event.altKey && !altGraph) parts.push("Alt");
  if (event.shiftKey && (letter || key.length > 1)) parts.push("Shift");
  return [...parts, key].join("+");
}

/** How a click selects a track: Ctrl adds it to the selection, Shift extends the selection to it. */
export const howToSelect = ({ ctrlKey, metaKey, shiftKey }) => ({ add: ctrlKey || metaKey, extend: shiftKey });

const SYMBOLS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

/** The parts of a key as printed on the help sheet: ["Ctrl", "Shift", "Z"]. A "+" at the start or after a "+" is a key. */
export function keyCaps(key) {
  return key.split(/(?<!^|\+)\+/).map((part) => SYMBOLS[part] ?? part);
}
