"""Weights of a backbone alone, as ImageNet training leaves them, from a file into a net whose other parts stay as they are.

In: a net, and a file of timm, torchvision or detectron2 with the backbone's tensors under its own names. What the file holds
beside them, such as a classifier, is left there. Nothing is downloaded.
"""

from pathlib import Path

from torch import nn

from engine.errors import CheckpointError
from engine.model import CTVIS
from engine.weights_file import read_tensors

PREFIXES = ("module.", "backbone.", "body.", "model.")  # of names, which say nothing


def fill_backbone(model: CTVIS, path: Path) -> None:
    """Raises CheckpointError if a single tensor of the backbone is missing or misshapen, and changes nothing then."""
    body: nn.Module = getattr(model.backbone, "body", model.backbone)  # without the pyramid, which no file has
    wanted = body.state_dict()
    given = {_plain(name): tensor for name, tensor in read_tensors(path).items()}
    found = {name: given[_plain(name)] for name in wanted if _plain(name) in given}
    faults = sorted(f"{name} is missing" for name in wanted.keys() - found.keys())
    faults += sorted(
        f"{name} is {tuple(tensor.shape)}, the backbone has {tuple(wanted[name].shape)}"
        for name, tensor in found.items()
        if tensor.shape != wanted[name].shape
    )
    if faults:
        rest = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise CheckpointError(
            f"{path.name} does not fit this backbone: {'; '.join(faults[:3])}{rest}. Is it a file of the same backbone?"
        )
    body.load_state_dict(found)


def _plain(name: str) -> str:
    """timm writes "stages.0" in its files and "stages_0" in a net that gives maps."""
    while prefix := next((each for each in PREFIXES if name.startswith(each)), ""):
        name = name.removeprefix(prefix)
    return name.replace(".", "_")
