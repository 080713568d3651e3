"""Models: the family of models, how each did, and what can be done with it."""

from studio.pages.widget import widget


def build() -> None:
    widget("models", elem_classes=("split-widget", "models-widget"))
