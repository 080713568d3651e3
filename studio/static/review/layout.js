/* Where everything stands: left the stage with toolbar, playback bar and timeline, right the inspector.
   In: the parts made by main.js and what the features give (features.js). Out: elements inside the root. */

import { el } from "./dom.js";
import { createHistory } from "./history.js";
import { createInspector } from "./inspector.js";
import { createNotices } from "./notices.js";
import { isRunning } from "./session.js";
import { createTitle } from "./title.js";
import { createToolbar } from "./toolbar.js";
import { createTrackCard } from "./track_card.js";
import { createTrackList } from "./track_list.js";
import { createTransport } from "./transport.js";
import { createWaysOn } from "./ways_on.js";

export function createRoot() {
  return el("div", { class: "ct-review" });
}

export function fillRoot(root, parts, features) {
  const tabs = [
    { id: "tracks", title: "Tracks", element: createTracksPanel(parts) },
    ...features.inspector,
    { id: "history", title: "History", element: createHistory(parts) },
  ];
  const inspector = createInspector(parts.store, createTitle(parts.store, createWaysOn(parts)), tabs);
  inspector.append(parts.toasts.root); // where they cover neither picture nor timeline
  root.append(createMain(parts, features), inspector, parts.help.root, ...features.dialogs);
}

function createMain(parts, features) {
  const { store, stage, timeline, sheet, partner } = parts;
  const transport = createTransport(parts, features.transport);
  const notices = createNotices(store, isRunning);
  const over = [...features.stage, sheet.root, partner.root];
  const picture = el("div", { class: "ct-stage-frame" }, stage.root, notices, over);
  return el("div", { class: "ct-main" }, createToolbar(parts, features.toolbar), picture, transport, timeline.root);
}

function createTracksPanel(parts) {
  return el("div", { class: "ct-tracks-panel" }, createTrackList(parts), createTrackCard(parts));
}
