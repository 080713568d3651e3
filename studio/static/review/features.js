/* What the review page can do beyond showing frames and masks: one function per feature, called in this order.
   In: `parts`, see main.js. Out, each key optional: {bindings, inspector, toolbar, stage, transport, dialogs, end}.
     bindings: [{id, group, keys, text, run(), when?(state) -> null or a sentence why not now, repeats?}], see bindings.js;
       one with the id of an earlier binding takes its place
     inspector: [{id, title, element, badge?(state) -> text}], tabs at the right
     toolbar, stage, transport, dialogs: elements for the toolbar, over the picture, in the playback bar, above everything
     end(): called when the page goes */

import { createAgain } from "./again/again.js";
import { createLooks } from "./display/looks.js";
import { createContextMenu } from "./operations/context_menu.js";
import { createDeleting } from "./operations/deleting.js";
import { createIdentity } from "./operations/identity.js";
import { createLabelling } from "./operations/labelling.js";
import { createPalette } from "./operations/palette.js";
import { createSheets } from "./operations/sheets.js";
import { createQueue } from "./queue/queue.js";
import { createRuns } from "./other_runs/runs.js";
import { createSaving } from "./saving/saving.js";
import { createTeam } from "./team/team.js";
import { createTimelineTools } from "./timeline/tools.js";
import { createTools } from "./tools/tools.js";

export const FEATURES = [
  createSheets, createIdentity, createLabelling, createDeleting, createContextMenu, createPalette,
  createTools, createAgain, createLooks, createTimelineTools, createQueue, createTeam, createRuns, createSaving,
];

/** Calls all of them and joins what they give: {bindings, inspector, toolbar, stage, transport, dialogs, end}. */
export function createFeatures(parts, features = FEATURES) {
  const made = features.map((create) => create(parts));
  const all = (key) => made.flatMap((feature) => feature[key] ?? []);
  return {
    bindings: all("bindings"),
    inspector: all("inspector"),
    toolbar: all("toolbar"),
    stage: all("stage"),
    transport: all("transport"),
    dialogs: all("dialogs"),
    end: () => all("end").forEach((end) => end()),
  };
}
