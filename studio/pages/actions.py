"""How a Gradio form starts something: its values go as one event of the document to the JavaScript module of the page.

The module then asks /api/v1 and shows the answer, so that every change of the studio passes through one door and no listener of
Gradio becomes a public endpoint.
"""

import json
from collections.abc import Mapping

import gradio as gr
from gradio.components import Component


def emit(button: gr.Button, event: str, values: Mapping[str, Component]) -> None:
    """A click on `button` dispatches `ctvis:<event>` with the values of the components, by their names, as detail."""
    names = json.dumps(list(values))
    script = (
        f"(...values) => document.dispatchEvent(new CustomEvent({json.dumps('ctvis:' + event)}, "
        f"{{ detail: Object.fromEntries({names}.map((name, i) => [name, values[i]])) }}))"
    )
    button.click(fn=None, inputs=list(values.values()), js=script, queue=False, api_visibility="private")
