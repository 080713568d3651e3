"""Jobs: all long work, in the order in which it is done."""

from studio.pages.widget import widget


def build() -> None:
    widget("jobs_page", elem_classes=("page-widget",))
