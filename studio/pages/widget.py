"""A part of a page that a JavaScript module draws.

The module `static/pages/<module>.js` exports functions that take {element, props, trigger, watch}; it fetches what it shows from
/api/v1 and writes it as text. The template is constant: Gradio evaluates templates as code, so nothing of the user may enter.
"""

import json
from typing import Any

import gradio as gr

from studio.static_files import address

SCRIPT = """
const events = {events};
import("{address}")
  .then((module) => module[{function}]({{ element, props, trigger, watch, events }}))
  .catch((error) => console.error("{module}:", error));
"""


def widget(
    module: str,
    function: str = "mount",
    *,
    template: str = "<div></div>",
    events: tuple[str, ...] = (),
    elem_id: str | None = None,
    elem_classes: tuple[str, ...] = (),
    **facts: Any,
) -> gr.HTML:
    """`widget("jobs", "queue")` is a component that shows what `queue()` of static/pages/jobs.js draws.

    `template` is constant HTML; `events` are the names the module may trigger, each a Gradio event of the component; `facts` are
    JSON values for the module (its `props`), never part of a template.
    """
    return gr.HTML(
        value=None,
        html_template=template,
        js_on_load=SCRIPT.format(
            events=json.dumps(events),
            module=module,
            address=address(f"pages/{module}.js"),
            function=json.dumps(function),
        ),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["widget", *elem_classes],
        **facts,
    )
