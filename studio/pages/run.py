"""Run: a model with its thresholds on one video; beside it the queue of all jobs, live."""

import gradio as gr
from gradio.components import Component

from studio.pages.actions import emit
from studio.pages.form import model_controls, tracking_controls
from studio.pages.widget import widget


def build(models: list[str]) -> Component:
    """Returns the choice of the model, whose list may change while the studio runs."""
    with gr.Row(elem_classes="split"):
        with gr.Column(elem_classes="side"):
            gr.Markdown("## Run a model")
            widget("run")
            fields = model_controls(models, score=0.3)
            with gr.Accordion("Tracking", open=False):
                fields |= tracking_controls()
            start = gr.Button("Start", variant="primary", elem_id="run-start")
            review = gr.Button("Open in Review", elem_id="run-review")
        widget("jobs", "queue", elem_classes=("main",))
    emit(start, "start-run", fields)
    emit(review, "review-chosen", {})
    return fields["model"]
