"""Try: drop a clip, take an example or the camera, watch the model work, take the result away or keep it as a project."""

import gradio as gr
from gradio.components import Component

from studio.pages.actions import emit
from studio.pages.form import model_controls
from studio.pages.widget import widget


def build(models: list[str]) -> Component:
    """Returns the choice of the model, whose list may change while the studio runs."""
    with gr.Row(elem_classes="split"):
        with gr.Column(elem_classes="side"):
            widget("try_clip", "source")
            fields = model_controls(models, score=0.3)
            start = gr.Button("Find and follow objects", variant="primary", elem_id="try-start")
        widget("try_clip", "stage", elem_classes=("main", "stage"))
    emit(start, "try", fields)
    return fields["model"]
