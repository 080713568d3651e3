"""Review: the stage on which a video's tracks are watched and corrected. Which video: the address says (?view=review&video=3)."""

import gradio as gr

from studio.pages.review_stage import review_stage


def build() -> gr.HTML:
    return review_stage(elem_id="review-stage")
