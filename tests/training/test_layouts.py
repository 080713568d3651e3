"""Where the published data sets are looked for."""

import pytest

from engine.errors import DataError
from training.layouts import train_set


def test_our_folder_goes_before_detectron2_s_and_2022_takes_the_training_set_of_2021(tmp_path, monkeypatch):
    for root in ("ours", "theirs"):
        (tmp_path / root / "ytvis_2021/train/JPEGImages").mkdir(parents=True)
        (tmp_path / root / "ytvis_2021/train.json").write_text("{}")
    monkeypatch.delenv("CTVIS_DATASETS", raising=False)
    monkeypatch.setenv("DETECTRON2_DATASETS", str(tmp_path / "theirs"))
    assert train_set("ytvis_2022").truth == tmp_path / "theirs/ytvis_2021/train.json"
    monkeypatch.setenv("CTVIS_DATASETS", str(tmp_path / "ours"))
    assert train_set("ytvis_2021").pictures == tmp_path / "ours/ytvis_2021/train/JPEGImages"
    with pytest.raises(DataError, match=r"ovis/annotations/train\.json is missing"):
        train_set("ovis")
