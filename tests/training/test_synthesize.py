"""Composed data sets: whole, the same for the same seed, and hard where that was asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataError
from training.cut_outs import shipped_cut_outs
from training.dataset_check import find_faults
from training.look_alikes import colour_casts, look_alikes, musical_chairs
from training.synthesize import Wanted, synthesize

TINY = Wanted(train=2, val=1, size=(64, 96), length=6, hard=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("composed") / "hard"
    assert synthesize(folder, TINY)["train"][0] == 2
    return folder


def test_a_composed_data_set_has_no_fault_and_nothing_lies_beside_it(made):
    for part in ("train", "val"):
        assert list(find_faults(made / f"{part}.json", made / part / "JPEGImages")) == []
    assert [path.name for path in made.parent.iterdir()] == ["hard"]


def test_the_same_seed_gives_the_same_clips_and_both_parts_differ(made, tmp_path):
    synthesize(tmp_path / "again", TINY)
    files = [path.relative_to(made) for path in made.rglob("*.*") if path.is_file()]
    assert len(files) == 2 + 3 * TINY.length
    assert all((tmp_path / "again" / file).read_bytes() == (made / file).read_bytes() for file in files)
    first = "JPEGImages/0000/00000.jpg"
    assert (made / "train" / first).read_bytes() != (made / "val" / first).read_bytes()


def test_a_folder_that_holds_something_stays_as_it_is(made):
    before = (made / "train.json").read_bytes()
    with pytest.raises(DataError, match="is there already"):
        synthesize(made, TINY)
    assert (made / "train.json").read_bytes() == before


def test_plain_clips_come_from_the_same_command(tmp_path):
    counts = synthesize(tmp_path / "plain", Wanted(train=1, val=0, size=(64, 96), length=2))
    assert list(counts) == ["train"] and not (tmp_path / "plain" / "val.json").exists()
    assert json.loads((tmp_path / "plain" / "train.json").read_text())["videos"][0]["length"] == 2


def test_look_alikes_are_of_one_kind_and_some_leave_and_come_back():
    sprites, returned = shipped_cut_outs(), 0
    assert {sprite.category for sprite in sprites} >= {0, 7, 13}  # person, dog, cat
    for seed in range(4):
        clip = look_alikes(np.random.default_rng(seed), sprites, [], (96, 160), 36)
        labels, counts = np.unique(clip.labels, return_counts=True)
        assert counts.max() >= 2 and len(labels) <= 2
        for seen in clip.visible:
            gone = np.flatnonzero(~seen)
            returned += bool(len(gone) and seen[: gone[0]].any() and seen[gone[-1] :].any())
    assert returned >= 4


@pytest.mark.parametrize("players", [2, 3, 4])
def test_everybody_changes_seats_and_no_two_share_one(players):
    x = musical_chairs(np.random.default_rng(players), players, 6)[..., 0]
    assert (np.abs(np.diff(x)) > 0.05).all()
    assert all(len(set(seats)) == players for seats in x.T)
    inside = (x > 0) & (x < 1)
    assert inside[:, [0, -1]].all()
    assert (inside.sum(0)[1:-1] == players - 1).all()


def test_colour_casts_are_slight_and_apart():
    casts = colour_casts(np.random.default_rng(0), 3)
    assert np.abs(casts - 1).max() <= 0.2
    assert all(np.linalg.norm(casts[i] - casts[j]) > 0.1 for i in range(3) for j in range(i))
