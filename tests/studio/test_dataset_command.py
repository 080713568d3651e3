"""`dataset validate|split|coco2ytvis|browse` on real files: what they print, write and refuse."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.errors import DataError
from engine.video import open_video
from studio.commands.dataset import app
from training.ytvis import read_dataset

CLIPS = Path(__file__).parents[2] / "assets" / "clips"
TRUTH = str(CLIPS / "annotations.json")


def run(*arguments: str):
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def test_a_good_data_set_is_called_so():
    said = run("validate", TRUTH, "--images", str(CLIPS))
    assert said.exit_code == 0
    assert "is in order: 4 videos" in said.output


def test_faults_are_listed_counted_and_written(tmp_path):
    truth = json.loads(Path(TRUTH).read_text())
    for annotation in truth["annotations"]:
        annotation["video_id"] = 99
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    said = run("validate", tmp_path / "gt.json", "--most", "3", "--json", tmp_path / "faults.json")
    assert said.exit_code == 1
    assert said.output.count("there is no video 99") == 3
    assert str(len(truth["annotations"])) in said.output
    assert len(json.loads((tmp_path / "faults.json").read_text())) == len(truth["annotations"])


def test_a_split_is_two_files_that_can_be_read(tmp_path):
    said = run("split", TRUTH, "--share", "0.25", "--out", tmp_path / "parts")
    assert said.exit_code == 0
    first, second = (read_dataset(tmp_path / "parts" / name) for name in ("train.json", "val.json"))
    assert (len(first.videos), len(second.videos)) == (3, 1)


def test_a_split_does_not_write_over_what_it_reads(tmp_path):
    (tmp_path / "train.json").write_text(Path(TRUTH).read_text())
    said = run("split", tmp_path / "train.json")
    assert isinstance(said.exception, DataError) and "written over" in str(said.exception)
    assert not (tmp_path / "val.json").exists()


def test_coco_is_converted(tmp_path):
    coco = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 30, "height": 20}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "area": 64, "bbox": [1, 1, 8, 8], "iscrowd": 0}
            | {"segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]]}
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    said = run("coco2ytvis", tmp_path / "coco.json", "--to", "ovis", "--out", tmp_path / "ovis.json")
    assert "1 images, 1 objects" in said.output
    assert len(read_dataset(tmp_path / "ovis.json").instances) == 1


def test_a_page_of_drawn_clips_can_be_looked_through(tmp_path):
    truth = json.loads(Path(TRUTH).read_text())
    truth["categories"][0]["name"] = "<img src=x onerror=alert(1)>"
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "one.txt").write_text(str(truth["videos"][0]["id"]))
    said = run(
        "browse", tmp_path / "gt.json", "--images", CLIPS, "--out", tmp_path / "page", "--videos", tmp_path / "one.txt"
    )
    assert said.exit_code == 0, said.exception
    page = (tmp_path / "page" / "index.html").read_text()
    video = truth["videos"][0]
    assert f"clips/{video['id']}.mp4" in page and "1 of 1 videos drawn" in page
    assert "<img src=x" not in page
    with open_video(tmp_path / "page" / "clips" / f"{video['id']}.mp4") as drawn:
        assert (drawn.width, drawn.height, drawn.length) == (video["width"], video["height"], video["length"])


def test_a_video_without_frames_is_left_out_and_named(tmp_path):
    said = run("browse", TRUTH, "--images", tmp_path, "--out", tmp_path / "page")
    assert said.exit_code == 0
    assert "Left out: Video" in said.output
    assert "0 of 4 videos drawn" in (tmp_path / "page" / "index.html").read_text()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_files_of_another_kind_are_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "gt.json").write_text(text)
    assert isinstance(run("split", tmp_path / "gt.json").exception, DataError)
