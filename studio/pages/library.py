"""Library: projects, their videos, and the ways to bring videos in."""

from studio.pages.widget import widget


def build() -> None:
    widget("library", elem_classes=("split-widget",))
