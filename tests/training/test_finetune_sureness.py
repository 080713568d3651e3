"""A net that stands half-way says what it has just learnt as surely as the net it was taught to be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine import Category, build_model
from engine.checkpoint import load_model
from tests.training.finetune_run import CONFIG, PRESET, parent, prepare
from training.finetune import best_weights, finetune
from training.finetune_clips import TaughtClips
from training.finetune_data import TaughtSet, read_taught
from training.finetune_model import blended
from training.finetune_sureness import mean_log_odds, say_as_surely

CAT = 1  # its place among the snapshot's categories
PARENT = replace(PRESET, categories=(Category(1, "dog"), Category(2, "bird")))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    prepare(folder, held_out=False)
    config = CONFIG.changed({"sample_steps": 0, "validate_steps": 12, "average": 0})
    list(finetune(parent(), PARENT, "child", taught(folder), folder / "frames", config, folder / "run"))
    return folder


def taught(folder: Path) -> TaughtSet:
    return read_taught("snapshot.json", json.loads((folder / "snapshot.json").read_text()))


def test_the_kept_net_is_as_sure_of_a_new_category_as_the_trained_one(run: Path) -> None:
    kept, preset = load_model(best_weights(run / "run"))
    trained = build_model(preset).eval()
    trained.load_state_dict(torch.load(run / "run" / "state.pt", weights_only=True)["model"])
    clips = TaughtClips(taught(run), run / "frames", CONFIG)
    batches = [clips.batch(CONFIG.steps + number) for number in range(6)]
    assert mean_log_odds(kept, batches)[CAT] == pytest.approx(mean_log_odds(trained, batches)[CAT], abs=0.05)


def test_only_the_new_categorys_bias_is_moved(run: Path) -> None:
    trained, _ = load_model(best_weights(run / "run"))
    batch = TaughtClips(taught(run), run / "frames", CONFIG).batch(0)
    start = build_model(load_model(best_weights(run / "run"))[1]).eval()
    net, before = blended(start, trained, 0.5), blended(start, trained, 0.5)
    say_as_surely(net, trained, {CAT}, [batch])
    before.query_decoder.class_embed.bias.data[CAT] = net.query_decoder.class_embed.bias[CAT]
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, net.state_dict()[name]), name
    assert mean_log_odds(net, [batch])[CAT] == pytest.approx(mean_log_odds(trained, [batch])[CAT], abs=0.05)
