"""Checkpoints that do not say what they are: the preset is told by the shapes, or asked for where they leave it open."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine import PRESETS, Category, Preset, build_model, save_checkpoint
from engine.checkpoint import export_published, read_weights
from engine.errors import CheckpointError, CtvisError
from engine.published_names import to_published
from engine.recognise import UNTRAINED, PresetUnclear, guess_preset, recognise, untrained
from tests.nets import tiny_preset

PAIR = tiny_preset(backbone="test_convnext")
TRIO = replace(tiny_preset((*PAIR.categories, Category(3, "owl")), backbone="test_convnext"), name="trio")
TWIN = replace(PAIR, name="twin", categories=(Category(1, "ape"), Category(2, "bear")))


@pytest.fixture
def presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small nets among the presets, two of which cannot be told apart."""
    for preset in (PAIR, TRIO, TWIN):
        monkeypatch.setitem(PRESETS, preset.name, preset)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Preset], Path]:
    """Writes a net of a preset as a CTVIS `.pth`."""

    def write(preset: Preset) -> Path:
        export_published(build_model(preset), tmp_path / "ctvis.pth")
        return tmp_path / "ctvis.pth"

    return write


def coco_file(path: Path, preset: Preset, oldest: bool = False) -> Path:
    """What Mask2Former's COCO model of this size would be: 80 categories, no re-ID head, the older names."""
    state = {to_published(name): tensor.numpy() for name, tensor in build_model(preset).state_dict().items()}
    state = {name: array for name, array in state.items() if "reid_embed" not in name}
    for name in ("weight", "bias"):
        head = f"sem_seg_head.predictor.class_embed.{name}"
        state[head] = torch.zeros(81, *state[head].shape[1:]).numpy()
    state["sem_seg_head.predictor.static_query.weight"] = state.pop("sem_seg_head.predictor.query_feat.weight")
    if oldest:
        state = {name.replace("sem_seg_head.pixel_decoder.", "sem_seg_head."): array for name, array in state.items()}
    path.write_bytes(pickle.dumps({"model": state, "__author__": "third_party"}))
    return path


def test_the_shapes_of_a_file_tell_its_preset(presets: None, written: Callable[[Preset], Path]) -> None:
    file = written(TRIO)
    found = recognise(file)
    assert (found.preset, found.untrained) == (TRIO, ())
    stored = torch.load(file, weights_only=True)["model"]["sem_seg_head.predictor.query_feat.weight"]
    assert torch.equal(found.model.state_dict()["query_decoder.query_feat.weight"], stored)


def test_presets_of_equal_shapes_are_listed_and_one_is_asked_for(
    presets: None, written: Callable[[Preset], Path]
) -> None:
    file = written(PAIR)
    with pytest.raises(PresetUnclear, match=r"8 queries, 2 categories\) fits tiny and twin: .* Name its preset"):
        recognise(file)
    assert recognise(file, "twin").preset == TWIN


def test_another_preset_than_the_files_own_is_refused_and_its_own_is_named(
    presets: None, written: Callable[[Preset], Path]
) -> None:
    file = written(TRIO)
    with pytest.raises(PresetUnclear, match=r"does not fit twin\. By its shapes it belongs to trio\."):
        recognise(file, "twin")
    with pytest.raises(CtvisError, match='no preset "nonsense"'):
        recognise(file, "nonsense")


def test_a_net_that_no_preset_has_is_described(presets: None, written: Callable[[Preset], Path]) -> None:
    file = written(replace(TRIO, model=replace(TRIO.model, num_queries=9)))
    with pytest.raises(PresetUnclear, match=r"fits no preset \(another backbone, 9 queries, 3 categories\)"):
        recognise(file)


def test_what_fits_from_outside_but_not_inside_names_the_tensor(
    presets: None, written: Callable[[Preset], Path]
) -> None:
    file = written(replace(TRIO, model=replace(TRIO.model, decoder_layers=3)))
    with pytest.raises(CheckpointError, match=r"query_decoder\.layers\.2.* is not part of the net"):
        recognise(file)


@pytest.mark.parametrize("oldest", [False, True])
def test_a_coco_file_is_a_start_that_says_what_is_random_in_it(oldest: bool, presets: None, tmp_path: Path) -> None:
    file = coco_file(tmp_path / "model_final.pkl", TRIO, oldest)
    with pytest.raises(PresetUnclear, match="take the place of COCO"):
        recognise(file)
    first, again = recognise(file, "trio"), recognise(file, "trio")
    assert first.untrained == ("the classes (3 categories and none)", "the re-ID head")
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), f"{name} differs from one reading to the next"


def test_a_start_that_was_stored_still_says_so(presets: None, tmp_path: Path) -> None:
    found = recognise(coco_file(tmp_path / "model_final.pkl", TRIO), "trio")
    stored = tmp_path / "start.safetensors"
    save_checkpoint(found.model, found.preset, stored, notes={UNTRAINED: list(found.untrained)})
    assert recognise(stored).untrained == untrained(stored) == found.untrained
    save_checkpoint(found.model, found.preset, stored)
    assert recognise(stored).untrained == ()


def test_our_own_file_needs_no_guessing(tmp_path: Path) -> None:
    save_checkpoint(build_model(TWIN), TWIN, tmp_path / "own.safetensors")
    assert recognise(tmp_path / "own.safetensors").preset == TWIN


def test_tensors_of_something_else_are_no_model(tmp_path: Path) -> None:
    torch.save({"model": {"roi_heads.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="not those of a CTVIS or Mask2Former net"):
        recognise(tmp_path / "other.pth")


@pytest.mark.parametrize(
    ("preset", "outputs", "queries", "backbone", "expected"),
    [
        ("ovis_r50", 26, 100, "backbone.res4.5.conv1.weight", "ovis_r50"),
        ("ovis_swin_l", 26, 200, "backbone.patch_embed.proj.weight", "ovis_swin_l"),
        ("40 categories", 41, 200, "backbone.patch_embed.proj.weight", "ytvis_2019_swin_l, ytvis_2021_swin_l and"),
        (
            "COCO",
            81,
            100,
            "backbone.res4.5.conv1.weight",
            "ytvis_2019_r50, ytvis_2021_r50, ytvis_2022_r50 and ovis_r50",
        ),
    ],
)
def test_the_published_checkpoints_are_told_apart_as_far_as_shapes_can(
    preset: str, outputs: int, queries: int, backbone: str, expected: str, tmp_path: Path
) -> None:
    state = {
        backbone: torch.zeros(192, 1),
        "sem_seg_head.predictor.query_feat.weight": torch.zeros(queries, 256),
        "sem_seg_head.predictor.class_embed.bias": torch.zeros(outputs),
    }
    if preset != "COCO":
        state["sem_seg_head.predictor.reid_embed.layers.0.bias"] = torch.zeros(256)
    torch.save({"model": state}, tmp_path / "published.pth")
    read = read_weights(tmp_path / "published.pth")
    if preset in PRESETS:
        assert guess_preset(read, "published.pth").name == expected
    else:
        with pytest.raises(PresetUnclear, match=expected):
            guess_preset(read, "published.pth")
