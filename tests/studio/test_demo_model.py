"""The shipped demo model: it loads, is small enough to ship, and says only what its card lists."""

from pathlib import Path

import torch

from engine import load_model
from training.evaluate import evaluate_model

ASSETS = Path(__file__).resolve().parent.parent.parent / "assets"
CLIPS = ASSETS / "clips"
LISTED = "person sedan dog rabbit duck cat cow fish horse bear giraffe airplane truck zebra elephant boat".split()


def test_it_is_small_enough_to_ship() -> None:
    assert (ASSETS / "demo.safetensors").stat().st_size + (ASSETS / "demo.json").stat().st_size <= 15_000_000


def test_it_names_only_the_categories_of_its_card() -> None:
    model, preset = load_model("demo")
    with torch.inference_mode():
        logits = model(torch.randint(0, 256, (2, 3, 192, 320), dtype=torch.uint8)).logits
    loud = logits.amax((0, 1))[:-1] > -20
    assert [category.name for category, said in zip(preset.categories, loud, strict=True) if said] == LISTED


def test_it_keeps_what_its_card_promises_of_the_shipped_clips() -> None:
    model, preset = load_model("demo")
    score, _ = evaluate_model(model, preset, CLIPS / "annotations.json", CLIPS)
    assert score.stats["AP50"] >= 0.7
