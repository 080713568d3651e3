"""Export: one project as a YouTube-VIS dataset, with or without its frames; beside it the exports made so far."""

import gradio as gr

from studio.pages.actions import emit
from studio.pages.widget import widget


def build() -> None:
    with gr.Row(elem_classes="split"):
        with gr.Column(elem_classes="side"):
            gr.Markdown("## Export a project")
            widget("export")
            form = gr.Radio([("YouTube-VIS", "ytvis")], value="ytvis", label="Format", interactive=True)
            frames = gr.Checkbox(label="Put the frames into the zip", value=False, interactive=True)
            start = gr.Button("Export", variant="primary", elem_id="export-start")
        widget("export", "made", elem_classes=("main",))
    emit(start, "start-export", {"format": form, "frames": frames})
