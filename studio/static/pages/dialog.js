/* Questions that are answered before anything else happens: yes or no, and a name.

   In: a title and words, all plain text. Out: a promise of the answer. The browser's own <dialog> keeps the keyboard inside, Escape
   leaves with "no", and the keyboard goes back to where it was. */

import { element } from "./dom.js";

/* Opens a dialog with `content` and a button `action`; resolves to whether the person pressed that. */
function ask(title, content, action, kind) {
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "dialog-title" }, title),
    content,
    element(
      "div.dialog-foot",
      {},
      element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      element(`button.${kind}`, { value: "yes" }, action),
    ),
  );
  const dialog = element("dialog.dialog.widget", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" }, form);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}

/* confirmed("Delete this?", "What goes with it.", "Delete") -> whether they said so. The keyboard begins at Cancel. */
export function confirmed(title, text, action) {
  return ask(title, element("p", { id: "dialog-text" }, text), action, "danger");
}

/* askName("Rename video", "lake") -> another name, or null if it is to stay as it is. */
export async function askName(title, name) {
  const input = element("input.text", { value: name, autofocus: true, required: true, maxLength: 200, "aria-label": "Name" });
  input.addEventListener("focus", () => input.select());
  const given = (await ask(title, input, "Rename", "primary")) ? input.value.trim() : "";
  return given && given !== name ? given : null;
}
