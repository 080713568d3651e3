"""`evaluate` on the command line: the golden numbers in a table and in a file, and a sentence for wrong options."""

import json

import cv2
import pytest
import torch
import typer
from typer.testing import CliRunner

from engine import CTVIS, build_model, save_checkpoint
from engine.errors import DataError
from studio.commands.evaluate import evaluate
from tests.golden import golden_path
from tests.nets import tiny_preset
from tests.videos import make_video, numbered_frames

GOLDEN = ["--gt", str(golden_path("ytvis_eval_gt.json")), "--results", str(golden_path("ytvis_eval_results.json"))]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(evaluate)
    return app


def test_the_score_is_printed_and_written(app, tmp_path):
    run = CliRunner().invoke(app, [*GOLDEN, "--json", str(tmp_path / "score.json")], env={"COLUMNS": "160"})
    assert run.exit_code == 0
    assert "15.9" in run.output and "41.7" in run.output  # AP and AP50, percent
    assert "c6" in run.output and "36.5" in run.output  # the best category
    assert "100 tracks per video and category" in run.output
    expected = json.loads(golden_path("ytvis_eval_expected.json").read_text())
    written = json.loads((tmp_path / "score.json").read_text())
    assert written["stats"] == pytest.approx(expected["stats"], abs=1e-9)


def test_tracks_that_cannot_score_are_remarked_on(app, tmp_path):
    results = json.loads(golden_path("ytvis_eval_results.json").read_text())
    (tmp_path / "twice.json").write_text(json.dumps([results[0], results[0]]))
    run = CliRunner().invoke(app, [*GOLDEN[:3], str(tmp_path / "twice.json")])
    assert "1 of 2 tracks repeat the masks of another one" in run.output


@pytest.mark.parametrize("options", [GOLDEN[:2], [*GOLDEN, "--model", "demo"], [*GOLDEN[:2], "--model", "demo"]])
def test_it_wants_either_results_or_a_model_with_images(app, options):
    run = CliRunner().invoke(app, options)
    assert isinstance(run.exception, DataError)
    assert "either --results" in str(run.exception)


def test_a_model_is_made_ready_and_sees_frames_of_the_size_asked_for(app, tmp_path, monkeypatch):
    torch.manual_seed(0)
    save_checkpoint(build_model(tiny_preset()), tiny_preset(), tmp_path / "tiny.safetensors")
    make_video(tmp_path / "clip.mp4", numbered_frames(6, 48, 80))
    names = [f"clip/{frame}.jpg" for frame in range(6)]
    truth = {
        "videos": [{"id": 1, "width": 80, "height": 48, "length": 6, "file_names": names}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    seen = []
    forward = CTVIS.forward
    monkeypatch.setattr(
        CTVIS, "forward", lambda net, frames: seen.append((net.training, frames.shape)) or forward(net, frames)
    )
    options = ["--gt", tmp_path / "truth.json", "--model", tmp_path / "tiny.safetensors", "--images", tmp_path]
    for more, size in ([], (64, 107)), (["--short-edge", "32", "--device", "cpu"], (32, 53)):
        seen.clear()
        run = CliRunner().invoke(app, [*map(str, options), *more])
        assert run.exit_code == 0, run.output
        assert seen == [(False, (1, 3, *size))] * 6
    run = CliRunner().invoke(app, [*map(str, options), "--device", "toaster"])
    assert "'toaster' cannot be used here" in str(run.exception)


def test_a_results_file_that_cannot_be_written_is_a_fault_of_the_input(app, tmp_path):
    run = CliRunner().invoke(app, [*GOLDEN, "--json", str(tmp_path / "no" / "score.json")])
    assert isinstance(run.exception, DataError)
    assert "cannot be written" in str(run.exception)


def test_identities_and_errors_are_told_when_asked_for(app, tmp_path):
    options = [*GOLDEN, "--tracking", "--errors", "--json", str(tmp_path / "score.json")]
    run = CliRunner().invoke(app, options, env={"COLUMNS": "160"})
    assert run.exit_code == 0
    assert "HOTA" in run.output and "identity switch" in run.output
    written = json.loads((tmp_path / "score.json").read_text())
    assert set(written["tracking"]) >= {"hota", "idf1", "mota", "switches", "least_score"}
    assert written["errors"]["AP50"] == pytest.approx(written["stats"]["AP50"])
    plain = CliRunner().invoke(app, GOLDEN, env={"COLUMNS": "160"})
    assert "HOTA" not in plain.output and "identity switch" not in plain.output


def test_pictures_are_drawn_into_a_folder(app, tmp_path):
    run = CliRunner().invoke(app, [*GOLDEN, "--plots", str(tmp_path / "new" / "plots")], env={"COLUMNS": "160"})
    assert run.exit_code == 0
    for name in ("precision_recall.png", "categories.png", "errors.png"):
        picture = cv2.imread(str(tmp_path / "new" / "plots" / name))
        assert picture is not None and picture.std() > 5  # something is drawn


@pytest.mark.parametrize("form", ["json", "lines", "truth"])
def test_with_a_list_of_long_videos_the_score_is_the_mean_of_both_halves(app, tmp_path, form):
    truth = json.loads(golden_path("ytvis_eval_gt.json").read_text())
    long = truth["videos"][:2]
    text = {
        "json": json.dumps([video["id"] for video in long]),
        "lines": "\n".join(str(video["id"]) for video in long),
        "truth": json.dumps({"videos": long, "categories": [], "annotations": []}),
    }[form]
    (tmp_path / "long.txt").write_text(text)
    options = [*GOLDEN, "--long-videos", str(tmp_path / "long.txt"), "--json", str(tmp_path / "score.json")]
    run = CliRunner().invoke(app, options, env={"COLUMNS": "160"})
    assert run.exit_code == 0, run.exception
    written = json.loads((tmp_path / "score.json").read_text())
    halves = [written["halves"][name]["AP"] for name in ("short", "long")]
    assert written["mean_of_halves_AP"] == pytest.approx(sum(halves) / 2)
    assert halves[0] != halves[1]


def test_a_long_video_that_does_not_exist_is_named(app, tmp_path):
    (tmp_path / "long.txt").write_text("1\nno_such_video\n")
    run = CliRunner().invoke(app, [*GOLDEN, "--long-videos", str(tmp_path / "long.txt")])
    assert isinstance(run.exception, DataError)
    assert 'no video "no_such_video"' in str(run.exception)


def test_occlusion_is_told_where_the_ground_truth_knows_it(app, tmp_path):
    truth = json.loads(golden_path("ytvis_eval_gt.json").read_text())
    lengths = {video["id"]: video["length"] for video in truth["videos"]}
    for number, annotation in enumerate(truth["annotations"]):
        word = ("no_occlusion", "severe_occlusion")[number % 2]
        annotation["occlusion"] = [word] * lengths[annotation["video_id"]]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    run = CliRunner().invoke(app, ["--gt", str(tmp_path / "gt.json"), *GOLDEN[2:]], env={"COLUMNS": "160"})
    assert "By occlusion" in run.output and "heavily" in run.output
