"""The controls that the Try and Run pages share: which model, how sure it must be, how strictly it follows."""

import gradio as gr
from gradio.components import Component


def model_controls(models: list[str], score: float) -> dict[str, Component]:
    """Components by the field names of `POST /videos/{v}/runs`. `score` is the threshold to begin with, 0..1."""
    return {
        "model": gr.Dropdown(models, value=models[0] if models else None, label="Model", interactive=True),
        "score_threshold": gr.Slider(
            0.0,
            0.95,
            value=score,
            step=0.05,
            label="Minimum certainty",
            info="Leaves out what the model is less sure of.",
            buttons=[],
            interactive=True,
        ),
    }


def tracking_controls() -> dict[str, Component]:
    """The settings that are rarely touched, at their published values."""
    return {
        "match_threshold": gr.Slider(
            0.05,
            0.95,
            value=0.3,
            step=0.05,
            label="Minimum likeness to go on with a track",
            buttons=[],
            interactive=True,
        ),
        "short_edge": gr.Slider(
            0, 720, value=0, step=32, label="Short edge in pixels (0: the model's own)", buttons=[], interactive=True
        ),
    }
