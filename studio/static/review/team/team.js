/* Working together: notes pinned to frames and tracks, where the review stands, whose it is, who is who.
   In: the parts of the page. Out: a feature. */

import { needVideo } from "../reasons.js";
import { iconButton } from "../toolbar.js";
import { createNoteEditor } from "./note_editor.js";
import { Notes } from "./notes.js";
import { createNotesPanel } from "./notes_panel.js";
import { createPins } from "./pins.js";

export function createTeam(parts) {
  const { store, stage, navigator, commands, pointer } = parts;
  const notes = new Notes(parts);
  const editor = createNoteEditor(parts, (note) => notes.add(note));

  /** Shows what a note is about. */
  function go(comment) {
    store.set({ note: comment.id });
    if (comment.frame !== null) navigator.go(comment.frame);
    if (store.state.tracks.some(({ id }) => id === comment.track_id)) commands.select(comment.track_id);
  }
  const write = () => editor.open({ frame: store.state.want, track: store.state.selected });
  const open = (comment) => store.set({ note: comment.id, tab: "notes" });
  const pins = createPins(parts, open);
  const panel = createNotesPanel(parts, notes, { go, write });

  // The tool: a click says what the note is about.
  pointer.addTool("note", {
    cursor: "crosshair",
    down: (point) => ({
      move() {},
      end(at) {
        if (!at) return;
        store.set({ tool: "select" });
        editor.open({ frame: store.state.want, track: stage.trackAt(point) });
      },
    }),
  });
  const tool = iconButton("note", "Note on what is clicked", () => store.set({ tool: store.state.tool === "note" ? "select" : "note" }));
  const ends = [
    store.watch(["tool"], ({ tool: inUse }) => tool.setAttribute("aria-pressed", String(inUse === "note"))),
    ...notes.ends,
    pins.end,
  ];
  return {
    bindings: [
      {
        id: "note", group: "Team", keys: [";"], text: "Write a note on this frame and track", run: write,
        when: needVideo,
      },
    ],
    inspector: [{ id: "notes", title: "Notes", element: panel, badge: openNotes }],
    toolbar: [tool],
    stage: [pins.root, editor.root],
    end: () => ends.forEach((end) => end()),
  };
}

const openNotes = ({ comments }) => comments.filter(({ resolved_at: resolved }) => !resolved).length || "";
