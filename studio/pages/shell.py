"""The Blocks of the whole studio: top bar, one section a page, footer.

All pages are in the document and CSS shows the one named by <html data-page>, so changing the page costs nothing and the review
stage keeps its state; /?view=review&video=3&frame=17 is an address that survives a reload.
"""

import time

import gradio as gr

from studio.jobs.models import runnable_models
from studio.pages import export, finetune, jobs, library, models, review, run, try_clip
from studio.pages.widget import widget
from studio.settings import Home
from studio.store import Store

TOP_BAR = """
<header class="top-bar">
  <a class="brand" href="?view=try" data-go="try">
    <img src="/static/icons/mark.svg" alt="" width="24" height="24"><span>CTVIS Studio</span>
  </a>
  <nav aria-label="Pages">
    <a href="?view=try" data-go="try">Try</a>
    <a href="?view=library" data-go="library">Library</a>
    <a href="?view=run" data-go="run">Run</a>
    <a href="?view=review" data-go="review">Review</a>
    <a href="?view=finetune" data-go="finetune">Fine-tune</a>
    <a href="?view=models" data-go="models">Models</a>
    <a href="?view=export" data-go="export">Export</a>
  </nav>
  <a class="button jobs-pill" href="?view=jobs" data-go="jobs" data-jobs aria-label="Jobs" title="All jobs">Jobs</a>
  <button class="quiet" data-theme-switch data-icon="contrast" title="Dark or light" aria-label="Dark or light"></button>
</header>
"""


def build_blocks(home: Home, store: Store) -> gr.Blocks:
    """The pages of the studio whose data is in `home`."""

    def known() -> list[str]:
        return list(runnable_models(home, store.database))

    def refresh_choices() -> list[gr.Dropdown]:
        return [gr.Dropdown(choices=known()) for _ in model_choices]

    with gr.Blocks(
        title="CTVIS Studio", analytics_enabled=False, fill_width=True, fill_height=True, delete_cache=(3600, 86400)
    ) as blocks:
        with gr.Column(elem_id="shell"):
            top_bar = widget("shell", template=TOP_BAR, events=("review",), elem_id="top-bar")
            with gr.Column(elem_id="pages"):
                with gr.Column(elem_id="page-try", elem_classes="page"):
                    model_choices = [try_clip.build(known())]
                with gr.Column(elem_id="page-library", elem_classes="page"):
                    library.build()
                with gr.Column(elem_id="page-run", elem_classes="page"):
                    model_choices.append(run.build(known()))
                with gr.Column(elem_id="page-review", elem_classes="page"):
                    stage = review.build()
                with gr.Column(elem_id="page-finetune", elem_classes="page"):
                    finetune.build()
                with gr.Column(elem_id="page-models", elem_classes="page"):
                    models.build()
                with gr.Column(elem_id="page-export", elem_classes="page"):
                    export.build()
                with gr.Column(elem_id="page-jobs", elem_classes="page"):
                    jobs.build()
            widget("footer", elem_id="footer", home=str(home.root))
        blocks.load(refresh_choices, None, model_choices, queue=False, show_progress="hidden", api_visibility="private")
        top_bar.review(show_video, None, stage, queue=False, show_progress="hidden", api_visibility="private")
    return blocks


def show_video(event: gr.EventData) -> dict[str, int | None]:
    """The review stage's value for the video and frame that the address names; the nonce makes every visit a change."""
    return {"video": int(event.video), "frame": event.frame, "nonce": time.monotonic_ns() // 1_000_000}
