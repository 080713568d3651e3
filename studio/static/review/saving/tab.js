/* Which tab a kept change belongs to, so that a tab sends its own and those of tabs that are gone, never those of a tab that is
   still at work. In: records with a `tab`. Out: the ones that nobody looks after. A tab is alive as long as it holds its lock. */

import { requestKey } from "../request_key.js";

const LOCK = "ctvis-tab-";

export const TAB = requestKey();

let held = null;

/** Holds this tab's lock until the tab is gone. */
export function holdTab() {
  held ??= new Promise((resolve) => {
    if (!navigator.locks) return resolve();
    navigator.locks.request(LOCK + TAB, () => {
      resolve();
      return new Promise(() => {});
    });
    return undefined;
  });
  return held;
}

/** The records of tabs that are gone. Without locks (a page without https) all are taken: sending twice is harmless, as each
 *  has a key by which the server knows it again. */
export async function orphans(records) {
  if (!navigator.locks) return records.filter(({ tab }) => tab !== TAB);
  const { held: locks } = await navigator.locks.query();
  const alive = new Set(locks.map(({ name }) => name));
  return records.filter(({ tab }) => tab !== TAB && !alive.has(LOCK + tab));
}
