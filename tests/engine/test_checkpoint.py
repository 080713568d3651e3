"""Checkpoint files: every published form is read, whatever does not fit is refused with a sentence, and no file runs code."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import (
    CTVIS,
    build_model,
    load_checkpoint,
    load_model,
    save_checkpoint,
)
from engine.checkpoint import export_published, initialise_from_coco
from engine.errors import CheckpointError
from engine.published_names import to_ours, to_published
from tests.golden import golden_path, load_synth
from tests.nets import tiny_preset

TINY = tiny_preset(backbone="test_convnext")


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    shapes = json.loads(golden_path("keys_ytvis_2019_r50.json").read_text())
    weights = load_synth().synth_state_dict(shapes, seed=0)
    return weights | {"criterion.empty_weight": np.ones(41, np.float32)}


@pytest.fixture(scope="module")
def r50() -> CTVIS:
    return build_model("ytvis_2019_r50")


def assert_loaded(model: CTVIS, published: dict[str, np.ndarray]) -> None:
    loaded = model.state_dict()
    names = {name: to_ours(name) for name in published}
    assert {ours for ours in names.values() if ours} == set(loaded)
    for name, ours in names.items():
        if ours:
            np.testing.assert_array_equal(loaded[ours].numpy(), published[name], err_msg=name)


def assert_equal_states(one: CTVIS, other: CTVIS) -> None:
    for (name, tensor), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(tensor, expected), name


def test_a_published_pth_fills_the_net(r50: CTVIS, published: dict[str, np.ndarray], tmp_path: Path) -> None:
    torch.save({"model": {name: torch.from_numpy(array) for name, array in published.items()}}, tmp_path / "ctvis.pth")
    load_checkpoint(r50, tmp_path / "ctvis.pth")
    assert_loaded(r50, published)


def test_a_published_pkl_fills_the_net(r50: CTVIS, published: dict[str, np.ndarray], tmp_path: Path) -> None:
    with (tmp_path / "ctvis.pkl").open("wb") as file:
        pickle.dump({"model": published, "__author__": "CTVIS"}, file)
    load_checkpoint(r50, tmp_path / "ctvis.pkl")
    assert_loaded(r50, published)


@pytest.mark.parametrize("preset", ["ytvis_2019_r50", "ytvis_2019_swin_l"])
def test_an_exported_file_holds_just_what_the_reference_expects_and_comes_back(preset: str, tmp_path: Path) -> None:
    model, again = build_model(preset), build_model(preset)
    export_published(model, tmp_path / "export.pth")
    written = torch.load(tmp_path / "export.pth", weights_only=True)["model"]
    expected = json.loads(golden_path(f"keys_{preset}.json").read_text())
    assert {name: [list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in written.items()} == expected
    load_checkpoint(again, tmp_path / "export.pth")
    assert_equal_states(again, model)


@pytest.mark.parametrize("oldest", [False, True])
def test_a_coco_model_fills_all_but_the_class_and_reid_heads(
    oldest: bool, r50: CTVIS, published: dict[str, np.ndarray], tmp_path: Path
) -> None:
    coco = {name: array for name, array in published.items() if "reid_embed" not in name and "criterion" not in name}
    for name in ("weight", "bias"):
        head = f"sem_seg_head.predictor.class_embed.{name}"
        coco[head] = np.zeros((81, *coco[head].shape[1:]), np.float32)
    coco["sem_seg_head.predictor.static_query.weight"] = coco.pop("sem_seg_head.predictor.query_feat.weight")
    if oldest:
        coco = {name.replace("sem_seg_head.pixel_decoder.", "sem_seg_head."): array for name, array in coco.items()}
    (tmp_path / "model_final.pkl").write_bytes(pickle.dumps({"model": coco, "__author__": "third_party"}))
    before = {name: tensor.clone() for name, tensor in r50.state_dict().items()}
    fresh = initialise_from_coco(r50, tmp_path / "model_final.pkl")
    assert {name.rsplit(".", 2)[0] for name in fresh if "reid" in name} == {"query_decoder.reid_embed"}
    assert {name for name in fresh if "class" in name} == {f"query_decoder.class_embed.{n}" for n in ("weight", "bias")}
    for name, tensor in r50.state_dict().items():
        if name in fresh:
            assert torch.equal(tensor, before[name]), name
        else:
            np.testing.assert_array_equal(tensor.numpy(), published[to_published(name)], err_msg=name)


def test_a_coco_model_that_lacks_more_is_refused(r50: CTVIS, published: dict[str, np.ndarray], tmp_path: Path) -> None:
    coco = {name: array for name, array in published.items() if "mask_embed" not in name}
    (tmp_path / "model_final.pkl").write_bytes(pickle.dumps({"model": coco}))
    with pytest.raises(CheckpointError, match="mask_embed"):
        initialise_from_coco(r50, tmp_path / "model_final.pkl")


def test_our_own_pair_comes_back_with_its_preset(tmp_path: Path) -> None:
    model = build_model(TINY)
    save_checkpoint(model, TINY, tmp_path / "own.safetensors")
    loaded, preset = load_model(tmp_path / "own.safetensors")
    assert preset == TINY
    assert_equal_states(loaded, model)


def test_a_missing_and_a_misshapen_tensor_are_named(tmp_path: Path) -> None:
    model = build_model(TINY)
    state = model.state_dict()
    del state["query_decoder.norm.bias"]
    state["query_decoder.class_embed.bias"] = torch.zeros(41)
    torch.save({"model": state}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError) as fault:
        load_checkpoint(model, tmp_path / "other.pth")
    assert "query_decoder.norm.bias is missing" in str(fault.value)
    assert "query_decoder.class_embed.bias is (41,), the net has (3,)" in str(fault.value)


@pytest.mark.parametrize("name", ["broken.pth", "broken.pkl", "broken.safetensors"])
def test_a_file_of_rubbish_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04rubbish" * 20)
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(build_model(TINY), tmp_path / name)


def test_a_checkpoint_of_a_training_is_read_without_its_optimiser(tmp_path: Path) -> None:
    model = build_model(TINY)
    best = {"iteration": 7, "segm/AP": np.float64(0.5), "seen": np.int64(3)}
    torch.save({"model": model.state_dict(), "optimizer": {"state": {0: torch.zeros(2)}}, **best}, tmp_path / "run.pth")
    again = build_model(TINY)
    load_checkpoint(again, tmp_path / "run.pth")
    assert_equal_states(again, model)


def test_a_file_in_pytorchs_older_form_is_read(tmp_path: Path) -> None:
    model, again = build_model(TINY), build_model(TINY)
    old = tmp_path / "old.pkl"  # the name does not decide
    torch.save({"model": model.state_dict()}, old, _use_new_zipfile_serialization=False)
    load_checkpoint(again, old)
    assert_equal_states(again, model)


def test_a_truncated_pth_is_an_error(tmp_path: Path) -> None:
    model = build_model(TINY)
    torch.save({"model": model.state_dict()}, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"half\.pth"):
        load_checkpoint(model, tmp_path / "half.pth")


class Evil:
    """Unpickling this would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["evil.pth", "evil.pkl"])
def test_code_in_a_checkpoint_is_never_run(name: str, tmp_path: Path) -> None:
    content = {"model": {"backbone.x": Evil(tmp_path / "ran")}}
    if name.endswith(".pth"):
        torch.save(content, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=rf"{name} asks to run \w+\.mkdir"):
        load_checkpoint(build_model(TINY), tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_a_published_file_without_a_preset_asks_for_one(tmp_path: Path) -> None:
    torch.save({"model": {"backbone.x": torch.zeros(1)}}, tmp_path / "some.pth")
    with pytest.raises(CheckpointError, match="name its preset"):
        load_model(tmp_path / "some.pth")
