/* Joins operations with the sheets that ask: what an operation would do, and what to do where others were faster.
   In: the parts of the page. Out: nothing; from then on `operations` asks. */

import { settleConflict } from "./conflict.js";
import { confirmOperation } from "./preview.js";

export function createSheets(parts) {
  const { operations, sheet } = parts;
  operations.confirm = (name, body) => confirmOperation(parts, sheet, name, body);
  operations.conflict = (name, body, edits) => settleConflict(parts, sheet, name, body, edits);
  return {};
}
