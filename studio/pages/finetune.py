"""Fine-tune: a project's corrections teach a model. Which project and run: the address says (?view=finetune&project=1&run=2)."""

from studio.pages.widget import widget


def build() -> None:
    widget("finetune", elem_classes=("split-widget",))
