/* Joins operations with the sheets that ask: what an operation would do, and what to do where others were faster. One question
   at a time: whatever asks next, or opens a dialog, takes back the one that stands, as Escape would.
   In: the parts of the page. Out: nothing; from then on `operations` asks. */

import { settleConflict } from "./conflict.js";
import { confirmOperation } from "./preview.js";

export function createSheets(parts) {
  const { operations, sheet, partner, root } = parts;
  operations.confirm = (name, body) => confirmOperation(parts, sheet, name, body);
  operations.conflict = (name, body, edits) => settleConflict(parts, sheet, name, body, edits);
  sheet.before = () => partner.close();
  partner.before = () => sheet.close(null);
  const giveWay = ({ target, newState }) => {
    if (newState !== "open" || !target.matches("dialog")) return;
    sheet.close(null);
    partner.close();
  };
  root.addEventListener("beforetoggle", giveWay, true); // it does not bubble
  return {};
}
