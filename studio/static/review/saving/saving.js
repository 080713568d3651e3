/* Nothing is lost: what cannot be sent waits in the browser's journal, what meets another version is shown beside it, and the
   page warns before it closes only while something is in neither place. In: the parts of the page. Out: a feature. */

import { createConflictDialog } from "./conflict_dialog.js";
import { entryOf, MaskChange, maskRecord } from "./mask_change.js";
import { carryOver, resume } from "./resume.js";
import { holdTab } from "./tab.js";
import { createWaiting } from "./waiting.js";

const PATIENCE = 300; // ms between looks whether the person has ended a stroke, or come back to the review page

export function createSaving(parts) {
  const { store, stage, queue, pointer, session, toast } = parts;
  store.set({ conflicts: store.state.conflicts ?? [] });
  holdTab();

  const remove = (conflict) => store.set({ conflicts: store.state.conflicts.filter((one) => one !== conflict) });
  const dialog = createConflictDialog(parts, {
    keepTheirs(conflict) {
      remove(conflict);
      queue.journal.remove(conflict.key);
      toast(`Kept their mask of track ${conflict.track} in frame ${conflict.frame}.`);
    },
    choose(conflict, counts) {
      remove(conflict);
      saveChosen(parts, conflict, counts);
    },
  });
  const look = () => store.state.conflicts.length && !dialog.isOpen() && dialog.open(store.state.conflicts[0]);
  const waiting = createWaiting(store, { retry: () => queue.retry(), compare: look, kept: () => !queue.atRisk });

  let timer = null;
  const lookSoon = () => {
    clearTimeout(timer);
    // On another page of the studio a dialog would be out of sight and still hold the keyboard.
    if (!stage.visible || pointer.dragging || document.querySelector("dialog[open]")) timer = setTimeout(lookSoon, PATIENCE);
    else look();
  };
  let seen = 0;
  let opened = null;
  let resumed = 0;
  const ends = [
    store.watch(["conflicts"], ({ conflicts }) => {
      if (conflicts.length > seen) lookSoon();
      seen = conflicts.length;
    }),
    store.watch(["video"], ({ video }) => {
      if ((video?.id ?? null) === opened) return;
      opened = video?.id ?? null;
      if (opened === null || !session.masks) return;
      carryOver(parts);
      if (resumed) lookAgain(parts);
    }),
    () => clearTimeout(timer),
  ];
  resume(parts).then((count) => {
    resumed = count;
    if (count) lookAgain(parts);
    if (count) toast(count === 1 ? "1 change of your last visit is being sent." : `${count} changes of your last visit are being sent.`);
  });
  return { stage: [waiting], dialogs: [dialog.root], end: () => ends.forEach((end) => end()) };
}

/** What was on its way while the video was opened may be older than what has been sent since. */
async function lookAgain({ queue, session }) {
  await queue.idle();
  if (!session.masks) return;
  session.masks.invalidate();
  session.navigator.refresh();
  session.refreshSoon();
}

/** Saves a version of a mask that was in conflict over the one that was shown beside it. */
function saveChosen(parts, conflict, counts) {
  const { store, session, stage, queue } = parts;
  const { video, track, frame, size, theirs } = conflict;
  const rev = theirs?.rev ?? 0;
  const record = maskRecord(video, { track, frame, size, counts, rev, text: conflict.text });
  const open = store.state.video?.id === video;
  const entry = entryOf(record);
  const unsaved = open ? session.masks.overlay(frame, track, entry) : { track, frame, saves: 1, entry };
  unsaved.rev = rev;
  if (open) stage.showMasks(frame, session.masks.peek(frame));
  queue.push(new MaskChange(parts, record, unsaved, entry));
  queue.journal.remove(conflict.key);
}
