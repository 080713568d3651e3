"""`ctvis-studio predict` end to end with a small net of random weights: what it writes, prints, and refuses."""

import json
import os
import shutil
import signal
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from engine import Category, build_model, save_checkpoint, tuning
from engine.masks import decode
from engine.video import open_video
from studio import prediction
from studio.cli import main
from studio.commands import predict as predict_command
from studio.palette import track_rgb
from tests.nets import tiny_preset
from tests.videos import make_video, numbered_frames
from training.ytvis import read_dataset, read_results

FRAMES = 12
CATEGORIES = (Category(3, "cat"), Category(5, "giant_panda"), Category(9, "dog"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The path of a checkpoint that carries its preset."""
    torch.manual_seed(0)
    preset = tiny_preset(CATEGORIES)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_checkpoint(build_model(preset), preset, path)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_video(
        tmp_path_factory.mktemp("clip") / "clip.mkv",
        numbered_frames(FRAMES, 49, 81),
        pts=[n * n * 20 for n in range(FRAMES)],
        codec="ffv1",
        pixel_format="yuv444p",
    )


@pytest.fixture
def command(model, tmp_path, capsys):
    """Run `predict` into tmp_path/out; gives exit code, stdout, stderr."""

    def run(*arguments, model=model, out="out"):
        with pytest.raises(SystemExit) as stopped:
            main(["predict", *map(str, arguments), "--model", str(model), "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return stopped.value.code, said.out, said.err

    return run


def written(folder):
    """Results and meta file of an output folder."""
    return json.loads((folder / "results.json").read_text()), json.loads((folder / "results.meta.json").read_text())


def as_dataset(results, length, height=49, width=81):
    """The ground truth that results without one are checked against."""
    videos = [
        {"id": video, "width": width, "height": height, "length": length} for video in {r["video_id"] for r in results}
    ]
    categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
    return read_dataset({"videos": videos, "categories": categories, "annotations": []})


def test_results_are_youtube_vis_and_say_how_they_came_about(command, clip, tmp_path, model):
    code, out, _ = command(clip)
    results, meta = written(tmp_path / "out")
    assert code == 0
    assert len(read_results(results, as_dataset(results, FRAMES))) == len(CATEGORIES)  # checks sizes, lengths, ids
    assert [r["score"] for r in results] == sorted((r["score"] for r in results), reverse=True)
    assert any(any(mask is not None for mask in r["segmentations"]) for r in results)
    assert meta["complete"] is True and meta["frames_done"] == FRAMES
    assert (meta["model"], meta["preset"], meta["frame_step"], meta["top_k"]) == (str(model), "tiny", 1, 3)
    assert "Tracks of clip" in out and "frames seen" in out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.json", "results.meta.json"]


def test_frames_that_are_stepped_over_have_no_mask(command, clip, tmp_path):
    assert command(clip, "--frame-step", 5)[0] == 0
    results, meta = written(tmp_path / "out")
    for result in results:
        assert len(result["segmentations"]) == FRAMES
        assert {n for n, mask in enumerate(result["segmentations"]) if mask is not None} <= {0, 5, 10}
    assert meta["complete"] is True and meta["frames_done"] == 3


def test_the_overlay_has_the_times_of_the_source_and_shows_the_masks(command, clip, tmp_path):
    assert command(clip, "--overlay", "--save-frames", "--score-threshold", 0)[0] == 0
    results, _ = written(tmp_path / "out")
    with open_video(tmp_path / "out" / "clip.mp4") as overlay, open_video(clip) as source:
        assert (overlay.height, overlay.width) == (50, 82)
        assert overlay.pts == pytest.approx(source.pts, abs=1e-3)
        frame, original = overlay.frame(6)[:49, :81].astype(int), source.frame(6).astype(int)
    mask = decode(results[0]["segmentations"][6])
    tinted = 0.6 * original + 0.4 * np.array(track_rgb(0))  # medians, since outline and label cover some of it
    assert np.median(np.abs(frame - tinted)[mask]) < 10 < np.median(np.abs(frame - original)[mask])
    assert np.median(np.abs(frame - original)[~mask]) < 10
    images = sorted((tmp_path / "out" / "frames").iterdir())
    assert [image.name for image in images] == [f"{n:06d}.jpg" for n in range(FRAMES)]
    assert Image.open(images[6]).size == (81, 49)


def test_the_threshold_and_top_k_choose_what_is_written(command, clip, tmp_path):
    command(clip, out="all")
    command(clip, "--top-k", 2, out="two")
    everything, two = written(tmp_path / "all")[0], written(tmp_path / "two")[0]
    assert two == everything[:2]
    between = (everything[0]["score"] + everything[-1]["score"]) / 2
    command(clip, "--score-threshold", between, out="few")
    few, meta = written(tmp_path / "few")
    assert few == [result for result in everything if result["score"] >= between] and 0 < len(few) < len(everything)
    assert meta["score_threshold"] == between and meta["top_k"] == 3


def test_the_trackers_options_are_those_of_the_session_and_in_the_meta_file(command, clip, tmp_path, monkeypatch):
    used = []
    session = prediction.VideoSession
    monkeypatch.setattr(prediction, "VideoSession", lambda *a, **k: used.append(a[2]) or session(*a, **k))
    options = {"matching": "hungarian", "min-length": 3, "max-absence-seconds": 1.5}
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    assert command(clip, *given, "--class-aware-nms", "--one-label")[0] == 0
    results, meta = written(tmp_path / "out")
    wanted = {name.replace("-", "_"): value for name, value in options.items()}
    wanted |= {"class_aware_nms": True, "one_label": True}
    assert meta["tracker"] == wanted
    assert {name: getattr(used[0], name) for name in wanted} == wanted
    masks = [str(result["segmentations"]) for result in results]
    assert len(masks) == len(set(masks)), "no track is there twice"
    assert all(sum(mask is not None for mask in result["segmentations"]) >= 3 for result in results)


@pytest.mark.parametrize("precision", ["float64", "bfloat16", "float16"])
def test_other_precisions_find_about_the_same(command, clip, tmp_path, precision):
    command(clip, "--frame-step", 4, out="full")
    assert command(clip, "--frame-step", 4, "--dtype", precision, out="other")[0] == 0
    (full, _), (other, meta) = written(tmp_path / "full"), written(tmp_path / "other")
    assert other[0]["score"] == pytest.approx(full[0]["score"], abs=0.02) and meta["dtype"] == precision


def test_ctrl_c_leaves_valid_results_of_what_was_done(command, clip, tmp_path, monkeypatch):
    opened = predict_command.open_chosen

    def open_and_interrupt(*arguments):
        chosen = opened(*arguments)
        calls = iter(range(1, 100))
        hook = lambda *_: os.kill(os.getpid(), signal.SIGINT) if next(calls) == 5 else None  # noqa: E731
        chosen.model.register_forward_hook(hook)
        return chosen

    monkeypatch.setattr(predict_command, "open_chosen", open_and_interrupt)
    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    code, _, err = command(clip, clip, "--overlay")
    assert signal.getsignal(signal.SIGINT) is before and threading.active_count() == threads
    results, meta = written(tmp_path / "out")
    done = meta["frames_done"]
    assert 2 <= done <= 6  # the net is some frames ahead of those that are tracked and kept
    assert code == 1 and f"{done} frames" in err and meta["complete"] is False
    assert read_results(results, as_dataset(results, FRAMES))
    assert all(not any(result["segmentations"][done:]) for result in results)
    assert open_video(tmp_path / "out" / "clip.mp4").length == done
    assert not list((tmp_path / "out").glob("*.part"))


def test_clips_change_the_pace_and_not_the_results(command, clip, tmp_path):
    assert command(clip, "--overlay", out="single")[0] == 0
    assert command(clip, "--overlay", "--clip", 5, out="clips")[0] == 0
    (single, _), (clips, meta) = written(tmp_path / "single"), written(tmp_path / "clips")
    assert meta["clip"] == 5 and meta["complete"] is True
    assert [r["category_id"] for r in clips] == [r["category_id"] for r in single]
    assert [r["score"] for r in clips] == pytest.approx([r["score"] for r in single], abs=1e-4)
    assert open_video(tmp_path / "clips" / "clip.mp4").length == FRAMES


def test_a_full_disk_under_the_overlay_is_no_silent_success(command, clip, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prediction.OverlayWriter, "write", full)
    code, _, err = command(clip, "--overlay")
    assert code == 1 and "No space left" in err
    assert not list((tmp_path / "out").glob("clip*"))


def test_compiling_without_a_compiler_is_said_before_any_work(command, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning.shutil, "which", lambda name: None)
    code, _, err = command(clip, "--compile")
    assert code == 1 and "compiler" in err and "--compile" in err
    assert not (tmp_path / "out" / "results.json").exists()


def test_images_are_given_as_folder_pattern_or_one_by_one(command, tmp_path):
    folder = tmp_path / "walk"
    folder.mkdir()
    for number, rgb in enumerate(numbered_frames(3)):
        Image.fromarray(rgb).save(folder / f"{number + 8}.png")
    ways = [[folder], [f"{folder}/*.png"], [folder / "10.png", folder / "8.png", folder / "9.png"]]
    found = []
    for number, way in enumerate(ways):
        assert command(*way, out=f"out{number}")[0] == 0
        results, meta = written(tmp_path / f"out{number}")
        assert [video["name"] for video in meta["videos"]] == ["walk"]
        found.append(results)
    assert found[0] == found[1] == found[2]


def test_the_videos_of_a_json_keep_its_ids(command, tmp_path):
    for video in ("a", "b"):
        (tmp_path / "JPEGImages" / video).mkdir(parents=True)
        for number, rgb in enumerate(numbered_frames(2)):
            Image.fromarray(rgb).save(tmp_path / "JPEGImages" / video / f"{number:05d}.png")
    videos = [
        {"id": number, "width": 80, "height": 48, "length": 2, "file_names": [f"{video}/{n:05d}.png" for n in range(2)]}
        for number, video in ((70, "a"), (4, "b"))
    ]
    (tmp_path / "valid.json").write_text(json.dumps({"videos": videos, "annotations": None}))
    assert command(tmp_path / "valid.json", "--images", tmp_path / "JPEGImages")[0] == 0
    results, meta = written(tmp_path / "out")
    assert {result["video_id"] for result in results} == {4, 70}
    assert {(video["id"], video["name"]) for video in meta["videos"]} == {(70, "a"), (4, "b")}
    code, _, err = command(tmp_path / "valid.json", out="other")
    assert code == 1 and "--images" in err


def test_one_broken_video_does_not_spoil_the_others(command, clip, tmp_path):
    (tmp_path / "broken.mp4").write_text("no video")
    code, _, err = command(clip, tmp_path / "broken.mp4", clip)
    results, meta = written(tmp_path / "out")
    assert code == 1 and "broken.mp4" in err
    assert {result["video_id"] for result in results} == {1, 3}
    assert meta["complete"] is False and "cannot be read" in meta["videos"][1]["error"]
    assert [video["name"] for video in meta["videos"]] == ["clip", "broken", "clip_2"]


def test_a_truncated_video_is_run_as_far_as_it_goes_with_a_note(command, clip, tmp_path):
    content = clip.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) * 2 // 3])
    code, _, err = command(tmp_path / "cut.mkv")
    assert code == 0 and "incomplete" in err
    assert 0 < written(tmp_path / "out")[1]["frames_done"] < FRAMES


def test_earlier_results_are_only_replaced_on_request(command, clip, tmp_path):
    command(clip, "--frame-step", 4, "--save-frames")
    first = written(tmp_path / "out")
    code, _, err = command(clip)
    assert code == 1 and "--overwrite" in err and written(tmp_path / "out") == first
    assert command(clip, "--frame-step", 6, "--save-frames", "--overwrite")[0] == 0
    assert written(tmp_path / "out") != first
    assert sorted(image.stem for image in (tmp_path / "out" / "frames").iterdir()) == ["000000", "000006"]


def test_no_video_is_written_over_while_it_is_read(command, clip, tmp_path):
    shutil.copy(clip, tmp_path / "clip.mp4")
    (tmp_path / "frames").mkdir()
    Image.fromarray(next(numbered_frames(1))).save(tmp_path / "frames" / "000000.jpg")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for arguments in ([tmp_path / "clip.mp4", "--overlay"], [tmp_path / "frames", "--save-frames"]):
        code, _, err = command(*arguments, "--overwrite", out=".")
        assert code == 1 and "written over" in err
    code, _, err = command(clip, "--save-frames", out=".")  # somebody else's frames
    assert code == 1 and "--overwrite" in err
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.mp4"], 1, "There is no file or folder"),
        (["CLIP", "--device", "cuda:77"], 1, "cannot be used here"),
        (["CLIP", "--preset", "nonsense"], 1, "nonsense"),
        (["CLIP", "--images", "."], 1, "--images goes with"),
        (["CLIP", "--frame-step", "0"], 2, "frame-step"),
        (["CLIP", "--dtype", "int4"], 2, "dtype"),
        ([], 2, "INPUT"),
    ],
)
def test_bad_input_gives_a_sentence_and_the_right_exit_code(command, clip, tmp_path, arguments, code, words):
    found, _, err = command(*[clip if argument == "CLIP" else argument for argument in arguments])
    assert found == code and words in err
    assert not (tmp_path / "out" / "results.json").exists()


def test_an_unknown_model_is_named(command, clip):
    code, _, err = command(clip, model="no_such_model")
    assert code == 1 and "no_such_model" in err


def test_options_without_a_command_mean_serve(monkeypatch, capsys):
    from studio import cli

    assert cli._with_command([]) == ["serve"]
    assert cli._with_command(["--port", "7861"]) == ["serve", "--port", "7861"]
    assert cli._with_command(["predict", "x"]) == ["predict", "x"]
    with pytest.raises(SystemExit) as stopped:
        main(["no_such_command"])
    assert stopped.value.code == 2


def test_a_model_of_the_home_folder_goes_by_its_name(command, clip, model, tmp_path, monkeypatch):
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    for suffix in (".safetensors", ".json"):
        shutil.copy(model.with_suffix(suffix), models / f"mine{suffix}")
    monkeypatch.setenv("CTVIS_HOME", str(tmp_path / "home"))
    assert command(clip, "--frame-step", 6, model="mine")[0] == 0
    assert written(tmp_path / "out")[1]["model"] == "mine"
