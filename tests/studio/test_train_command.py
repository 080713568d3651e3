"""`train` on the command line: the published layout with pseudo-videos, own data with own categories, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import timm
import torch
import typer
from typer.testing import CliRunner

from engine import build_model
from engine.build import find_preset
from engine.checkpoint import load_model, save_checkpoint
from engine.errors import ConfigError, CtvisError, DataError
from studio.commands.train import train
from tests.discs import disc, write_discs

ROOT = Path(__file__).parents[2]
FEW = ["--preset", "demo", "--batch", "1", "--frames", "2", "--points", "64", "--workers", "0", "--device", "cpu"]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(train)
    return app


@pytest.fixture
def own(tmp_path):
    write_discs(tmp_path / "own", (4,))
    return tmp_path / "own"


def run(app, *arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def test_the_whole_path_in_the_published_layout(app, tmp_path, monkeypatch):
    """Videos of 2019 and COCO beside them, a start, a score, a checkpoint that can be opened."""
    root = tmp_path / "datasets"
    pictures = root / "ytvis_2019" / "train" / "JPEGImages"
    truth = json.loads(write_discs(pictures, (4, 3)).read_text())
    truth["categories"] = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    (root / "ytvis_2019" / "train.json").write_text(json.dumps(truth))
    photos = root / "coco" / "train2017"
    write_discs(photos, (1,))
    outline = [[20, 30, 60, 30, 60, 70, 20, 70]]
    coco = {
        "images": [{"id": 1, "file_name": "1/0.png", "width": 160, "height": 120}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": outline, "area": 1600, "bbox": [20, 30, 40, 40]}
        ],
    }
    (root / "coco" / "annotations").mkdir()
    (root / "coco" / "annotations" / "instances_train2017.json").write_text(json.dumps(coco))
    monkeypatch.setenv("CTVIS_DATASETS", str(root))
    save_checkpoint(build_model("demo"), find_preset("demo"), tmp_path / "start.safetensors")
    scored = ["--val", root / "ytvis_2019" / "train.json", "--val-images", pictures, "--judge", "2"]
    out = tmp_path / "run"
    said = run(app, *FEW, "--out", out, "--steps", 3, "--weights", tmp_path / "start.safetensors", *scored)
    assert said.exit_code == 0, said.exception
    assert "from 3 videos and pictures" in said.output
    pictures = sorted(path.name for path in (out / "pictures").iterdir())
    assert pictures == [f"{video}_{step:06d}.jpg" for video in (1, 2) for step in (0, 3)]
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "val/AP" in line] == [2, 3]
    assert {"loss/class", "loss/mask", "loss/reid", "learning_rate"} <= set(log[-2]) | set(log[-1])
    for name in ("best", "last"):
        _, preset = load_model(out / f"{name}.safetensors")
        assert preset.categories == find_preset("demo").categories
    again = run(app, *FEW, "--out", out, "--steps", 3, "--weights", tmp_path / "start.safetensors", *scored)
    assert again.exit_code == 0  # there is nothing left to do
    other = run(app, *FEW, "--out", out, "--steps", 5)
    assert isinstance(other.exception, ConfigError) and "other settings" in str(other.exception)


def test_own_categories_make_a_preset_of_their_own(app, own, tmp_path):
    said = run(app, *FEW, "--train", own / "gt.json", "--images", own, "--out", tmp_path / "run", "--steps", 1)
    assert said.exit_code == 0, said.exception
    model, preset = load_model(tmp_path / "run" / "last.safetensors")
    assert [category.name for category in preset.categories] == ["red", "green"]
    assert model.query_decoder.class_embed.weight.shape[0] == 3


def test_a_start_with_other_categories_keeps_all_but_the_heads(app, own, tmp_path):
    save_checkpoint(build_model("demo"), find_preset("demo"), tmp_path / "start.safetensors")
    options = ["--train", own / "gt.json", "--images", own, "--weights", tmp_path / "start.safetensors"]
    said = run(app, *FEW, *options, "--out", tmp_path / "run", "--steps", 1)
    assert said.exit_code == 0, said.exception
    assert "At random: query_decoder.class_embed.bias, query_decoder.class_embed.weight." in said.output


def test_another_backbone_starts_from_a_file_of_its_own(app, own, tmp_path):
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "imagenet.pth")
    options = ["--train", own / "gt.json", "--images", own, "--backbone", "resnet18", "--steps", 1]
    given = ["--backbone-weights", tmp_path / "imagenet.pth"]
    said = run(app, *FEW, *options, *given, "--out", tmp_path / "run", "--checkpointing", "--recipe", "paper")
    assert said.exit_code == 0, said.exception
    assert "The backbone starts with imagenet.pth" in said.output
    _, preset = load_model(tmp_path / "run" / "last.safetensors")
    assert (preset.name, preset.model.backbone, preset.frame.short_edge) == ("demo_resnet18", "resnet18", 192)
    twice = run(app, *FEW, *options, *given, "--out", tmp_path / "other", "--weights", tmp_path / "imagenet.pth")
    assert isinstance(twice.exception, ConfigError) and "either it or" in str(twice.exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_its_processes_stops_it_in_order(own, tmp_path, number):
    """As a terminal sends Ctrl-C, and a scheduler its SIGTERM: the processes that read pictures get it, too."""
    few = [*FEW[:-4], "--workers", "2", "--device", "cpu", "--train", own / "gt.json", "--images", own]
    command = [sys.executable, "-m", "studio.cli", "train", *few, "--out", tmp_path / "run", "--steps", "9999"]
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, **out)
    assert process.stdout is not None
    begun = next(line for line in process.stdout if "9999 steps" in line)
    time.sleep(5)  # somewhere in its first steps
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "Stopped. The same command goes on from here." in said, begun + said
    assert (tmp_path / "run" / "last.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        (["--train", "gt.json"], DataError, "belong together"),
        (["--data", "nowhere"], DataError, "is missing"),
        (["--set", "nois=1"], ConfigError, 'no setting "nois"'),
        (["--coco", "coco.json", "--train", "gt.json", "--images", "."], CtvisError, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(app, tmp_path, options, kind, sentence):
    said = run(app, *FEW, "--out", tmp_path / "run", *options)
    assert isinstance(said.exception, kind)
    assert sentence in str(said.exception)


def test_without_any_data_it_says_where_they_should_be(app, tmp_path, monkeypatch):
    monkeypatch.delenv("CTVIS_DATASETS", raising=False)
    monkeypatch.delenv("DETECTRON2_DATASETS", raising=False)
    said = run(app, *FEW, "--out", tmp_path / "run")
    assert isinstance(said.exception, DataError) and "set CTVIS_DATASETS" in str(said.exception)


def test_the_scene_has_two_objects_apart():
    assert not (disc(1, 1, 0) & disc(1, 2, 0)).any()
