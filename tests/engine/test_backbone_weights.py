"""A backbone's weights from files as others write them: all of them, or a sentence and nothing."""

import pytest
import timm
import torch

from engine import build_model
from engine.backbone_weights import fill_backbone
from engine.errors import CheckpointError
from tests.nets import tiny_preset


@pytest.mark.parametrize("backbone", ["resnet18", "convnext_atto", "vit_tiny_patch16_224"])
def test_timm_s_own_file_fills_the_backbone_and_nothing_else(backbone, tmp_path):
    torch.manual_seed(1)
    published = timm.create_model(backbone)
    torch.save(published.state_dict(), tmp_path / "imagenet.pth")
    model = build_model(tiny_preset(backbone=backbone))
    before = {
        name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith("backbone.body.")
    }
    fill_backbone(model, tmp_path / "imagenet.pth")
    given = {name.replace(".", "_"): tensor for name, tensor in published.state_dict().items()}
    for name, tensor in model.backbone.body.state_dict().items():
        assert torch.equal(tensor, given[name.removeprefix("model.").replace(".", "_")]), name
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_a_file_of_another_backbone_is_refused_and_changes_nothing(tmp_path):
    torch.save(timm.create_model("resnet34").state_dict(), tmp_path / "other.pth")
    model = build_model(tiny_preset(backbone="convnext_atto"))
    before = model.backbone.body.state_dict()["stem_0.weight"].clone()
    with pytest.raises(CheckpointError, match=r"other.pth does not fit this backbone: .* is missing.* more"):
        fill_backbone(model, tmp_path / "other.pth")
    assert torch.equal(model.backbone.body.state_dict()["stem_0.weight"], before)
