"""The queue of suspicious moments: planted errors are found and told in words, mended ones go, what was settled stays so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from engine.masks import encode
from studio.review import edits, identity, log, moments, suggestions, tracks, verification
from studio.review.suspicion import Margins
from studio.settings import Home
from studio.store import Row, Store, library, runs, summaries
from tests.studio.library import new_store, square

HEIGHT, WIDTH, LENGTH = 120, 160, 60
Path_ = dict[int, tuple[int, int, int]]  # by frame: left, top, edge of a square


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home) -> Store:
    return Store(home.database)


def steady(frames: range, x: float = 30, y: float = 30, pace: float = 0.3, edge: int = 12) -> Path_:
    return {t: (round(x + pace * t), round(y), edge) for t in frames}


def make(store: Store, paths: list[Path_], scores: dict[tuple[int, int], float] | None = None) -> tuple[Row, list[int]]:
    """A video in which track number k goes along paths[k]; scores of single masks by (number, frame)."""
    with store.transaction() as database:
        project = library.add_project(database, f"Planted {len(library.projects(database))}")["id"]
        dog = library.add_category(database, project, "dog")["id"]
        library.add_category(database, project, "cat")
        facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0}
        video = library.add_video(database, project, name="planted", path="planted.mp4", **facts)
        run = runs.add_run(database, video["id"], "demo", {"score_threshold": 0.3})
        for start in range(0, LENGTH, 16):
            window = [
                runs.Prediction(k, t, square(*path[t], height=HEIGHT, width=WIDTH), (scores or {}).get((k, t), 0.9))
                for t in range(start, min(start + 16, LENGTH))
                for k, path in enumerate(paths)
                if t in path
            ]
            estimates = {k: runs.TrackEstimate(dog, 0.9, min(path)) for k, path in enumerate(paths)}
            runs.commit_window(database, run["id"], min(start + 16, LENGTH), window, estimates, b"")
        runs.close_run(database, run["id"], "done")
        ids = dict(database.execute("select number, id from tracks where run_id = ?", (run["id"],)).fetchall())
    return video, [ids[k] for k in range(len(paths))]


def found(store: Store, video: Row) -> list[tuple[Any, ...]]:
    queue = suggestions.queue(store, video["id"])["suggestions"]
    return [(s["kind"], s["track"], s["other"], s["frame"]) for s in queue if s["state"] == "open"]


def test_a_video_without_errors_raises_no_suspicion(store: Store) -> None:
    video, _ = make(store, [steady(range(LENGTH)), steady(range(LENGTH), y=80, pace=-0.2, x=100)])
    assert found(store, video) == []


def test_two_tracks_that_change_places_are_found_and_the_offered_swap_mends_it(store: Store) -> None:
    first, second = steady(range(LENGTH)), steady(range(LENGTH), y=80)
    for t in range(25, LENGTH):
        first[t], second[t] = second[t], first[t]
    video, (a, b) = make(store, [first, second])
    queue = suggestions.queue(store, video["id"])["suggestions"]
    assert [(s["kind"], s["track"], s["other"], s["frame"]) for s in queue] == [("switch", a, b, 25)]
    assert queue[0]["reason"] == f"dog {a} and dog {b} seem to change places in frame 25"
    assert queue[0]["remedy"] == {"op": "swap", "first": a, "second": b, "start": 25}
    log.perform(store, video["id"], "ann", identity.swap(a, b, 25))
    assert found(store, video) == []


def test_a_track_that_goes_on_under_another_number_is_offered_to_be_merged(store: Store) -> None:
    whole = steady(range(LENGTH), pace=0.8)
    parts = [{t: box for t, box in whole.items() if t < 20}, {t: box for t, box in whole.items() if t >= 26}]
    video, (a, b, _) = make(store, [*parts, steady(range(LENGTH), x=100, y=90)])
    assert found(store, video) == [("same", a, b, 19)]
    log.perform(store, video["id"], "ann", identity.merge(a, [b]))
    assert found(store, video) == [("flicker", a, None, 20)], "what is left is the gap"
    log.perform(store, video["id"], "ann", verification.verify([a]))
    assert found(store, video) == []


@pytest.mark.parametrize(
    ("plant", "kind", "frame", "words"),
    [
        ({30: (110, 90, 12)}, "jump", 30, "jumps by"),
        ({30: (33, 25, 30)}, "area", 30, "times larger in frame 30"),
        ({30: None, 31: None}, "flicker", 30, "is missing in the frames 30 to 31"),
        (dict.fromkeys(range(45, LENGTH)), "departure", 44, "in the middle of the picture"),
        (dict.fromkeys(range(3, LENGTH)), "short", 0, "is there in 3 frames only"),
    ],
)
def test_a_planted_error_is_found_where_it_is(
    store: Store, plant: dict[int, Any], kind: str, frame: int, words: str
) -> None:
    path: dict[int, Any] = {**steady(range(LENGTH)), **plant}
    video, (track, _) = make(store, [{t: box for t, box in path.items() if box}, steady(range(LENGTH), x=100, y=90)])
    queue = [s for s in suggestions.queue(store, video["id"])["suggestions"] if s["kind"] == kind]
    assert [(s["track"], s["frame"]) for s in queue] == [(track, frame)]
    assert words in queue[0]["reason"] and 0 < queue[0]["severity"] <= 1


def test_a_gap_beside_drawn_masks_is_a_moment_until_somebody_says_that_nothing_is_there(store: Store) -> None:
    path = steady(range(LENGTH))
    video, (track,) = make(store, [{t: box for t, box in path.items() if not 20 <= t < 25}])
    log.perform(store, video["id"], "ann", verification.verify([track]))
    assert found(store, video) == [], "whoever verifies what the model found has seen the gap"

    def draw(frame: int) -> None:
        edits.set_mask(store, video["id"], track, frame, square(*path[frame], height=HEIGHT, width=WIDTH), 0, "ann")

    draw(20)
    draw(24)
    (moment,) = suggestions.queue(store, video["id"])["suggestions"]
    gap = f"dog {track} is missing in the frames 21 to 23 between two masks that a person drew or verified"
    assert (moment["kind"], moment["frame"], moment["reason"]) == ("flicker", 21, f"{gap}: hidden, or forgotten?")
    assert moment["remedy"]["op"] == "interpolate"
    draw(22)
    log.perform(store, video["id"], "ann", tracks.delete([track], 22, 23))
    assert found(store, video) == [], "emptied frames are said, not forgotten"


@pytest.mark.parametrize(("pace", "kinds"), [(5, ["flicker"]), (10, [])])
def test_masks_drawn_now_and_then_do_not_flood_the_queue(store: Store, pace: int, kinds: list[str]) -> None:
    path = steady(range(LENGTH))
    video, (track,) = make(store, [{0: path[0]}])
    for frame in range(pace, LENGTH, pace):
        edits.set_mask(store, video["id"], track, frame, square(*path[frame], height=HEIGHT, width=WIDTH), 0, "ann")
    log.perform(store, video["id"], "ann", verification.verify([track]))
    assert [kind for kind, *_ in found(store, video)] == kinds


def test_beside_another_object_a_mask_may_shrink_for_a_while_but_not_swell(store: Store) -> None:
    beside = steady(range(LENGTH), x=40, edge=14)
    for changed, expected in ((20, ["area"]), (8, [])):
        path = steady(range(LENGTH)) | {t: (round(30 + 0.3 * t), 30, changed) for t in range(30, 33)}
        video, (track, _) = make(store, [path, beside])
        queue = [s for s in suggestions.queue(store, video["id"])["suggestions"] if s["kind"] == "area"]
        assert [(s["kind"], s["track"]) for s in queue] == [(kind, track) for kind in expected]
        for moment in queue:
            assert moment["reason"].endswith("times larger in the frames 30 to 32")
            assert moment["remedy"] == {"op": "interpolate", "tracks": [track], "start": 29, "stop": 33}


def test_leaving_by_the_border_is_no_suspicion(store: Store) -> None:
    leaving = {t: (148 - 2 * (29 - t) if t < 30 else 148, 40, 12) for t in range(30)}
    video, _ = make(store, [leaving])
    assert found(store, video) == []


def test_low_scores_and_overlaps_are_told_with_their_numbers(store: Store) -> None:
    scores = {(0, t): 0.12 if t == 21 else 0.2 for t in range(20, 24)}
    video, (a, b) = make(store, [steady(range(LENGTH)), steady(range(LENGTH), x=33, y=33)], scores)
    queue = {s["kind"]: s for s in suggestions.queue(store, video["id"])["suggestions"]}
    assert set(queue) == {"score", "overlap"}
    assert queue["score"]["reason"].endswith("in the frames 20 to 23: its score falls to 0.12")
    assert (queue["overlap"]["track"], queue["overlap"]["other"]) == (a, b)
    assert "overlap by 62%" in queue["overlap"]["reason"]
    cat = library.categories(store.database, video["project_id"])[1]["id"]
    log.perform(store, video["id"], "ann", tracks.change_category([b], cat))
    assert {kind for kind, *_ in found(store, video)} == {"score"}, "a cat may lie before a dog"


def test_the_trackers_hesitation_is_told_when_it_is_known(store: Store) -> None:
    video, (a, b) = make(store, [steady(range(LENGTH)), steady(range(LENGTH), y=80)])
    margins = Margins(
        np.array([a, a, a, b]), np.array([10, 11, 40, 12]), np.array([b, b, 0, a]), np.array([0.05, 0.01, 0.02, 0.4])
    )
    queue = suggestions.queue(store, video["id"], margins)["suggestions"]
    assert [(s["kind"], s["frame"], s["other"]) for s in queue] == [("hesitation", 11, b), ("hesitation", 40, None)]
    assert queue[0]["reason"] == f"The model hesitated in frame 11 whether this is dog {a} or dog {b}"


def test_what_was_settled_stays_settled_and_what_was_mended_goes(store: Store) -> None:
    path = steady(range(LENGTH))
    del path[10], path[50]
    video, (track,) = make(store, [path])
    first, second = suggestions.queue(store, video["id"])["suggestions"]
    with store.transaction() as database:
        suggestions.set_state(database, video["id"], first["id"], "ignored", "ann")
    edits.set_mask(store, video["id"], track, 50, square(45, 30, 12, height=HEIGHT, width=WIDTH), 0, "ann")
    (left,) = suggestions.queue(store, video["id"])["suggestions"]
    assert (left["id"], left["state"], left["user"]) == (first["id"], "ignored", "ann")
    edits.undo(store, video["id"], "ann")
    again = suggestions.queue(store, video["id"])["suggestions"]
    assert [(s["frame"], s["state"]) for s in again] == [(first["frame"], "ignored"), (second["frame"], "open")]


def test_runs_of_an_older_studio_get_their_summaries_when_they_are_needed(store: Store) -> None:
    path = steady(range(LENGTH))
    del path[20]
    video, _ = make(store, [path])
    before = found(store, video)
    with store.transaction() as database:
        written = database.execute("select * from mask_summaries").fetchall()
        database.execute("delete from mask_summaries")
        database.execute("update videos set rev = rev + 1")
    assert found(store, video) == before and len(before) == 1
    assert sum(len(row[2]) for row in store.database.execute("select * from mask_summaries")) == sum(
        len(row[2]) for row in written
    )


def test_the_arrays_are_what_the_masks_are(tmp_path: Path) -> None:
    store = new_store(tmp_path / "other")
    video, (a, b) = make(store, [steady(range(LENGTH)), steady(range(10, 50), y=80)])
    log.perform(store, video["id"], "ann", identity.swap(a, b, 20))
    log.perform(store, video["id"], "ann", tracks.delete([a], 45, None))
    log.perform(store, video["id"], "ann", tracks.delete([b], 12, 14))
    ell = np.zeros((HEIGHT, WIDTH), bool)
    ell[50:60, 7:9] = ell[58:60, 7:20] = True
    edits.set_mask(store, video["id"], a, 5, encode(ell)["counts"], 1, "ann")
    entries = moments.shown(store.database, video["id"])
    shown = [
        (m["track"], m["frame"], m["counts"], m["score"] if m["score"] is not None else np.nan)
        for m in sorted(
            suggestions.view.masks(store.database, video["id"], 0, LENGTH), key=lambda m: (m["track"], m["frame"])
        )
    ]
    assert list(zip(entries.track, entries.frame, strict=True)) == [row[:2] for row in shown]
    expected = summaries.pack((HEIGHT, WIDTH), shown)
    for name in summaries.RECORD.names or ():
        np.testing.assert_array_equal(entries.record[name], expected[name])
    assert entries.verified.sum() == 1


def test_the_queue_and_the_confidence_over_http(client: TestClient, store: Store) -> None:
    path = steady(range(LENGTH))
    del path[20]
    video, (track,) = make(store, [path], {(0, 3): 0.4})
    root = f"/videos/{video['id']}"
    (suggestion,) = client.get(f"{root}/suggestions").json()["suggestions"]
    assert suggestion["remedy"] == {"op": "interpolate", "tracks": [track], "start": 19, "stop": 21, "behind": True}
    assert client.post(f"{root}/ops/preview", json=suggestion["remedy"]).json()["masks"] == 1
    settled = client.patch(f"{root}/suggestions/{suggestion['id']}", json={"state": "resolved"})
    assert settled.json()["state"] == "resolved" and settled.json()["user"] == "local"
    assert client.patch(f"{root}/suggestions/999", json={"state": "resolved"}).status_code == 404
    assert client.patch(f"{root}/suggestions/{suggestion['id']}", json={"state": "gone"}).status_code == 422
    strip = client.get(f"{root}/confidence", params={"bins": 6}).json()
    assert strip["tracks"] == {str(track): [0.4, 0.9, 0.9, 0.9, 0.9, 0.9]}
    assert client.get(f"{root}/confidence", params={"bins": 60}).json()["tracks"][str(track)][20] is None


def test_the_best_frame_of_a_track_is_large_sure_and_whole(store: Store) -> None:
    path = steady(range(LENGTH)) | {30: (39, 30, 20), 31: (39, 30, 21), 32: (0, 30, 24)}
    video, (track,) = make(store, [path], {(0, 31): 0.5})
    assert moments.best_frames(moments.shown(store.database, video["id"])) == {track: 30}
