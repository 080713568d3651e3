"""Export: one project as a YouTube-VIS dataset, with or without its frames; beside it the exports made so far."""

import gradio as gr

from studio.formats.cut import MOST_CLIP, MOST_EVERY
from studio.pages.actions import emit
from studio.pages.widget import widget


def build() -> None:
    with gr.Row(elem_classes="split"):
        with gr.Column(elem_classes="side"):
            gr.Markdown("## Export a project")
            widget("export")
            form = gr.Radio([("YouTube-VIS", "ytvis")], value="ytvis", label="Format", interactive=True)
            frames = gr.Checkbox(label="Put the frames into the zip", value=False, interactive=True)
            every = gr.Number(
                1,
                label="Keep one frame in",
                info="1 keeps all of them; YouTube-VIS has one in five.",
                minimum=1,
                maximum=MOST_EVERY,
                precision=0,
                interactive=True,
            )
            clip = gr.Number(
                0,
                label="Cut into clips of at most so many frames",
                info="0 leaves videos whole. The format lists every frame of a video for each of its tracks: cut what is long.",
                minimum=0,
                maximum=MOST_CLIP,
                precision=0,
                interactive=True,
            )
            start = gr.Button("Export", variant="primary", elem_id="export-start")
        widget("export", "made", elem_classes=("main",))
    emit(start, "start-export", {"format": form, "frames": frames, "every": every, "clip": clip})
