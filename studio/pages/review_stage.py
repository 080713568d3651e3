"""The review stage as a Gradio component: an empty box that static/review/main.js fills.

The value is {"video": id, "frame": ordinal or None, "nonce": n}; a new nonce makes the same video a change. Frames, masks and edits
go through /api/v1, never through Gradio. The template is constant: Gradio evaluates templates as code, so no name given by a user
may enter it.
"""

from typing import Any

import gradio as gr

from studio.static_files import address

# Runs once per mount. The module may still be loading when the first value comes, hence the promise; a value that came
# before the page listened is read from props.
BOOTSTRAP = f"""
const mounted = import("{address("review/main.js")}").then((review) => review.mount(element));
const show = () => mounted
  .then((stage) => stage.open(props.value?.video ?? null, props.value?.frame ?? null))
  .catch((error) => console.error(error));
watch("value", show);
show();
"""


def review_stage(video: int | None = None, **arguments: Any) -> gr.HTML:
    """Frames, masks, timeline and history of one video, for an annotator to correct. `arguments` go to gr.HTML.

    A function, not a subclass: Gradio writes a .pyi file beside the source of every component class.
    """
    return gr.HTML(
        value=None if video is None else {"video": video, "nonce": 0},
        html_template="<div></div>",
        js_on_load=BOOTSTRAP,
        apply_default_css=False,
        **arguments,
    )
