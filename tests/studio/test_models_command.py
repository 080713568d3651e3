"""`ctvis-studio models`: what is added is checked, stored whole, and works wherever a model is named."""

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from fastapi.testclient import TestClient

from engine import PRESETS, build_model, load_model, save_checkpoint
from engine.checkpoint import export_published, notes_beside
from studio.api.uploads import remove_leftovers
from studio.cli import main
from studio.settings import Home
from studio.store import Store, jobs, models
from studio.zoo import ZOO
from tests.engine.test_recognise import PAIR, TRIO, TWIN, coco_file
from tests.studio.library import new_video, predict
from tests.studio.test_download import Site, site  # noqa: F401 - a fixture

START = "is a start for training"


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small nets among the presets, two of which cannot be told apart."""
    for preset in (PAIR, TRIO, TWIN):
        monkeypatch.setitem(PRESETS, preset.name, preset)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CTVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return Home(tmp_path / "home").create()


@pytest.fixture
def command(home: Home, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `models ...`, or any other command; no traceback may show."""

    def run(*arguments: object, of: str | None = "models") -> Said:
        with pytest.raises(SystemExit) as stopped:
            main([*([of] if of else []), *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert isinstance(stopped.value.code, int)
        return Said(stopped.value.code, said.out, said.err)

    return run


@pytest.fixture
def trio(tmp_path: Path) -> Path:
    """A CTVIS `.pth` that only one preset fits."""
    export_published(build_model(TRIO), tmp_path / "ctvis trio.pth")
    return tmp_path / "ctvis trio.pth"


def names_stored(home: Home) -> set[str]:
    """All files of models, finished or not."""
    folders = (home.models, home.models / "added", home.temporary, home.temporary / "downloads")
    return {path.name for folder in folders if folder.exists() for path in folder.iterdir() if path.is_file()}


def test_a_published_file_becomes_a_model_with_its_hash_and_origin(
    command: Callable[..., Said], home: Home, trio: Path
) -> None:
    said = command("add", trio)
    assert said.code == 0 and 'Added "ctvis_trio" (trio' in said.out and "Nothing is left at random" in said.out
    row = models.model_named(Store(home.database).database, "ctvis_trio")
    assert row["sha256"] == hashlib.sha256(trio.read_bytes()).hexdigest()
    assert (row["source"], row["untrained"], row["preset"]["name"]) == (str(trio), [], "trio")
    assert names_stored(home) == {"ctvis_trio.safetensors", "ctvis_trio.json"}
    loaded, preset = load_model(home.models / row["path"])
    assert preset == TRIO
    original = torch.load(trio, weights_only=True)["model"]["sem_seg_head.predictor.query_feat.weight"]
    assert torch.equal(loaded.state_dict()["query_decoder.query_feat.weight"], original)


def test_a_model_of_ours_keeps_its_preset(command: Callable[..., Said], home: Home, tmp_path: Path) -> None:
    save_checkpoint(build_model(TWIN), TWIN, tmp_path / "mine.safetensors")
    assert command("add", tmp_path / "mine.safetensors", "--name", "night").code == 0
    assert load_model(home.models / "added" / "night.safetensors")[1] == TWIN


def test_a_coco_file_is_kept_as_a_start_and_used_with_a_warning_only(
    command: Callable[..., Said], home: Home, client: TestClient, tmp_path: Path
) -> None:
    file = coco_file(tmp_path / "model_final_3c8ec9.pkl", TRIO)
    assert "Name its preset" in command("add", file).err
    said = command("add", file, "--preset", "trio", "--name", "start")
    assert said.code == 0
    assert "Left at random: the classes (3 categories and none) and the re-ID head." in said.out
    assert "start for training" in command("list").out
    assert (
        f"Warning: start {START}"
        in command("export", "start", "--format", "safetensors", "--out", tmp_path / "a.safetensors").err
    )
    assert (
        notes_beside(tmp_path / "a.safetensors")["untrained"]
        == notes_beside(home.models / "added" / "start.safetensors")["untrained"]
    )
    assert "start" not in {model["name"] for model in client.get("/models").json()["models"]}
    video = new_video(Store(home.database))
    answer = client.post(f"/videos/{video['id']}/runs", json={"model": "start"})
    assert answer.status_code == 422 and START in answer.json()["detail"]


def test_an_added_model_is_named_like_any_other(
    command: Callable[..., Said], home: Home, client: TestClient, trio: Path, tmp_path: Path
) -> None:
    command("add", trio, "--name", "trio-net")
    assert "trio-net" in {model["name"] for model in client.get("/models").json()["models"]}
    video = new_video(Store(home.database))
    assert client.post(f"/videos/{video['id']}/runs", json={"model": "trio-net"}).status_code == 202
    ground_truth = {"videos": [], "categories": [{"id": 1, "name": "cat"}], "annotations": []}
    (tmp_path / "gt.json").write_text(json.dumps(ground_truth))
    # An empty dataset is an error, but one that comes after the model was found.
    for name, known in (("trio-net", True), ("no-such-net", False)):
        said = command("--gt", tmp_path / "gt.json", "--model", name, "--images", tmp_path, of="evaluate")
        assert ("no checkpoint file and no model" in said.err) is not known


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"  <!DOCTYPE html><html>Sign in</html>", "is a web page, not a checkpoint"),
        (b"version https://git-lfs.github.com/spec/v1\n", "so it is no checkpoint"),
        (b"PK\x03\x04 cut off", "damaged or cut off"),
        (b"\x80\x04\x95 cut off", "damaged or cut off"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{cut off", "damaged or cut off"),
        (pickle.dumps({"model": {"x": os.getcwd}}), "asks to run .*getcwd"),
        (pickle.dumps([1, 2]), 'no "model" table'),
    ],
)
def test_what_is_no_checkpoint_is_one_sentence_and_leaves_nothing(
    content: bytes | None, sentence: str, command: Callable[..., Said], home: Home, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "net.pth").write_bytes(content)
    said = command("add", tmp_path / "net.pth")
    assert said.code == 1 and re.search(sentence, said.err) and len(said.err.strip().splitlines()) == 1
    assert names_stored(home) == set()
    assert models.models(Store(home.database).database) == []


def test_a_folder_is_not_taken_for_a_model(command: Callable[..., Said], home: Home, tmp_path: Path) -> None:
    assert "is a folder" in command("add", tmp_path).err
    assert "is a folder" in command("export", tmp_path, "--out", tmp_path / "x.pth").err


def test_code_in_a_pth_is_named_and_not_run(command: Callable[..., Said], home: Home, tmp_path: Path) -> None:
    torch.save({"model": {"backbone.x": Evil(tmp_path / "ran")}}, tmp_path / "evil.pth")
    said = command("add", tmp_path / "evil.pth")
    assert re.search(r"evil\.pth asks to run \w+\.mkdir", said.err) and "weights_only" not in said.err
    assert not (tmp_path / "ran").exists() and names_stored(home) == set()


class Evil:
    """Unpickling this would create a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_name_is_given_once_and_is_one_that_a_file_can_have(
    command: Callable[..., Said], home: Home, trio: Path
) -> None:
    assert command("add", trio, "--name", "net").code == 0
    assert 'There is a model "Net" already' in command("add", trio, "--name", "Net").err
    assert 'There is a model "demo" already' in command("add", trio, "--name", "demo").err
    assert 'cannot be called "../net"' in command("add", trio, "--name", "../net").err


def test_a_file_from_the_web_is_fetched_added_and_not_kept_twice(
    command: Callable[..., Said],
    home: Home,
    trio: Path,
    site: Site,  # noqa: F811
) -> None:
    site.content = trio.read_bytes()
    url = f"{site.address}/zoo/far.pth"
    assert command("add", url).code == 0
    assert models.model_named(Store(home.database).database, "far")["source"] == url
    assert names_stored(home) == {"far.safetensors", "far.json"}


def test_a_download_of_which_only_the_preset_is_open_is_kept(
    command: Callable[..., Said],
    home: Home,
    tmp_path: Path,
    site: Site,  # noqa: F811
) -> None:
    export_published(build_model(PAIR), tmp_path / "pair.pth")
    site.content = (tmp_path / "pair.pth").read_bytes()
    said = command("add", f"{site.address}/pair.pth")
    kept = home.temporary / "downloads" / "pair.pth"
    assert "Name its preset" in said.err and f"The download is kept as {kept}" in said.err
    assert command("add", kept, "--preset", "twin").code == 0
    said = command("add", f"{site.address}/pair.pth", "--preset", "nonsense")
    assert 'no preset "nonsense"' in said.err and len(site.asked) == 1
    site.content = b"<html>"
    assert "web page" in command("add", f"{site.address}/page.pth").err
    assert not (home.temporary / "downloads" / "page.pth").exists()


def test_a_model_that_runs_refer_to_stays(command: Callable[..., Said], home: Home, trio: Path) -> None:
    command("add", trio, "--name", "net")
    store = Store(home.database)
    video = new_video(store, name="clip.mp4")
    predict(store, video, {0: range(3)})
    store.database.execute("update runs set model = 'net'")
    said = command("remove", "net")
    assert said.code == 1 and 'runs on "clip.mp4" were made with it' in said.err
    assert "clip.mp4" in command("info", "net").out
    store.database.execute("delete from runs")
    assert command("remove", "net").code == 0
    assert names_stored(home) == set() and models.models(store.database) == []
    assert 'no model "net"' in command("remove", "net").err


def test_what_ships_with_the_program_stays(command: Callable[..., Said], home: Home) -> None:
    assert "is part of the program" in command("remove", "demo").err


def test_info_tells_what_a_model_is_and_where_it_came_from(
    command: Callable[..., Said], home: Home, trio: Path
) -> None:
    command("add", trio, "--name", "net")
    out = command("info", "net").out
    for part in (
        "test_convnext",
        "8 queries",
        "cat, dog, owl",
        str(trio),
        hashlib.sha256(trio.read_bytes()).hexdigest(),
    ):
        assert part in out
    (home.models / "added" / "net.safetensors").unlink()
    assert "the file is missing" in command("info", "net").out


def test_an_export_comes_back_as_it_was(
    command: Callable[..., Said], home: Home, trio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("add", trio, "--name", "net")
    said = command("export", "net", "--out", tmp_path / "out.pth")
    assert 'The reference has no backbone "test_convnext"' in said.err and not (tmp_path / "out.pth").exists()
    assert command("export", "net", "--format", "safetensors", "--out", tmp_path / "out.safetensors").code == 0
    assert load_model(tmp_path / "out.safetensors")[1] == TRIO
    monkeypatch.setattr("studio.commands.models.REFERENCE_BACKBONES", ("test_convnext",))
    assert command("export", "net", "--out", tmp_path / "out.pth").code == 0
    before, after = (torch.load(path, weights_only=True)["model"] for path in (trio, tmp_path / "out.pth"))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert "is there already" in command("export", "net", "--out", tmp_path / "out.pth").err
    assert command("export", "net", "--out", tmp_path / "out.safetensors").code == 2


def test_the_list_shows_the_zoo_with_published_figures_only(command: Callable[..., Said], home: Home) -> None:
    out = command("list").out
    assert {preset for preset in PRESETS if preset in out} >= {
        name for name in PRESETS if name.startswith(("ytvis", "ovis"))
    }
    assert {entry.fits: entry.ap for entry in ZOO if entry.ap is not None} == {
        "ytvis_2019_r50": 55.1,
        "ytvis_2019_swin_l": 65.6,
        "ytvis_2021_r50": 50.1,
        "ytvis_2021_swin_l": 61.2,
        "ytvis_2022_r50": 44.9,
        "ytvis_2022_swin_l": 53.8,
        "ovis_r50": 35.5,
        "ovis_swin_l": 46.9,
    }
    assert all(entry.source for entry in ZOO if entry.ap is not None)
    for entry in ZOO:
        assert entry.place in out


def test_a_run_of_an_added_model_is_queued_under_its_name(
    command: Callable[..., Said], home: Home, client: TestClient, trio: Path
) -> None:
    command("add", trio, "--name", "net")
    store = Store(home.database)
    video = new_video(store)
    started = client.post(f"/videos/{video['id']}/runs", json={"model": "net"}).json()
    assert jobs.job(store.database, started["job"])["run_id"] == started["run"]
    assert models.uses(store.database, "net") == ["clip"]


def test_a_model_that_was_half_added_long_ago_is_cleared_away_by_the_next_server(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    old, young = (home.temporary / f"model-{name}.safetensors" for name in ("old", "young"))
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    remove_leftovers(home)
    assert young.exists() and not old.exists()
