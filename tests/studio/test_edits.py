"""The edit log: what each operation shows, and that undo and redo restore exactly, across restarts too."""

import random
import threading
from pathlib import Path
from typing import Any

import pytest

from studio.review import edits, view
from studio.store import Row, Store, library, runs
from studio.store.errors import Conflict, Invalid, NotFound
from tests.studio.library import LENGTH, new_store, new_video, predict, square

DRAWN = square(2, 2, 5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


@pytest.fixture
def video(store: Store) -> Row:
    return new_video(store)


def masks(store: Store, video: Row) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Everything that is shown, by (track, frame)."""
    found = view.masks(store.database, video["id"], 0, video["length"])
    return {(m["track"], m["frame"]): (m["counts"], m["source"], m["verified"], m["rev"]) for m in found}


def everything(store: Store, video: Row) -> tuple[Any, ...]:
    """All that an undo has to restore: what is shown and what lies behind it."""
    tracks = [tuple(track.values()) for track in view.tracks(store.database, video["id"])]
    cells = store.database.execute(
        "select track_id, frame, counts, source, verified, rev from corrections order by 1, 2"
    ).fetchall()
    states = store.database.execute(
        "select track_id, category_id, ends_before from track_states where not deleted order by 1"
    ).fetchall()
    return masks(store, video), tracks, view.timeline(store.database, video["id"]), cells, states


def paint(store: Store, video: Row, track: int, frame: int, counts: str | None = DRAWN) -> edits.Applied:
    seen = view.mask(store.database, video["id"], track, frame)
    return edits.set_mask(store, video["id"], track, frame, counts, seen["rev"] if seen else 0, "ann")


def test_a_drawn_mask_replaces_the_prediction_without_touching_it(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    predicted = store.database.execute("select * from masks").fetchall()
    applied = paint(store, video, track, 4)
    assert masks(store, video)[track, 4] == (DRAWN, "user", True, applied.rev)
    assert view.timeline(store.database, video["id"])[track] == [(0, 4, "model"), (4, 5, "user"), (5, 10, "model")]
    assert store.database.execute("select * from masks").fetchall() == predicted


def test_no_mask_no_correction_and_a_mask_are_three_states(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    before = everything(store, video)
    paint(store, video, track, 4, None)
    assert (track, 4) not in masks(store, video)
    assert store.database.execute("select counts from corrections").fetchall() == [(None,)]
    paint(store, video, track, 20)  # where nothing was predicted
    assert masks(store, video)[track, 20][0] == DRAWN
    edits.undo(store, video["id"], "ann")
    edits.undo(store, video["id"], "ann")
    assert store.database["corrections"].count == 0
    assert store.database["track_states"].count == 0
    assert everything(store, video) == before


def test_someone_elses_change_is_never_overwritten_unseen(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    seen = view.mask(store.database, video["id"], track, 4)
    assert seen is not None
    applied = edits.set_mask(store, video["id"], track, 4, DRAWN, seen["rev"], "bob")
    with pytest.raises(Conflict) as conflict:
        edits.set_mask(store, video["id"], track, 4, square(0, 0), seen["rev"], "ann")
    assert isinstance(conflict.value.current, dict) and conflict.value.current["counts"] == DRAWN
    edits.undo(store, video["id"], "bob")
    later = paint(store, video, track, 4, square(1, 1))
    assert later.rev > applied.rev, "a revision never stands for two masks"
    with pytest.raises(Conflict):
        edits.set_mask(store, video["id"], track, 4, DRAWN, applied.rev, "bob")


def test_deleting_from_a_frame_hides_predictions_and_corrections_but_not_what_is_drawn_later(
    store: Store, video: Row
) -> None:
    track = predict(store, video, {0: range(30)})[0]
    paint(store, video, track, 12)
    paint(store, video, track, 25)
    before = everything(store, video)
    edits.delete_from(store, video["id"], track, 20, "ann")
    assert view.timeline(store.database, video["id"])[track] == [(0, 12, "model"), (12, 13, "user"), (13, 20, "model")]
    paint(store, video, track, 22)
    edits.delete_from(store, video["id"], track, 15, "ann")
    edits.delete_from(store, video["id"], track, 18, "ann")  # nothing left there: the end stays where it was
    assert view.timeline(store.database, video["id"])[track][-1] == (13, 15, "model")
    for _ in range(4):
        edits.undo(store, video["id"], "ann")
    assert everything(store, video) == before


def test_a_track_can_be_deleted_renamed_made_and_brought_back(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    cat = library.categories(store.database, video["project_id"])[1]
    edits.set_category(store, video["id"], track, cat["id"], "ann")
    edits.delete_track(store, video["id"], track, "ann")
    assert view.tracks(store.database, video["id"]) == []
    with pytest.raises(NotFound, match="shows no track"):
        paint(store, video, track, 3)
    made = edits.new_track(store, video["id"], cat["id"], 5, "ann").tracks[0]
    assert [(t["id"], t["count"], t["source"]) for t in view.tracks(store.database, video["id"])] == [(made, 0, "user")]
    edits.undo(store, video["id"], "ann")
    edits.undo(store, video["id"], "ann")
    assert [(t["id"], t["category"]) for t in view.tracks(store.database, video["id"])] == [(track, "cat")]
    edits.redo(store, video["id"], "ann")
    edits.redo(store, video["id"], "ann")
    assert [t["id"] for t in view.tracks(store.database, video["id"])] == [made], "redo brings back the same track"


def test_a_track_can_be_made_on_a_video_that_no_model_has_seen(store: Store, video: Row) -> None:
    cat = library.categories(store.database, video["project_id"])[1]
    made = edits.new_track(store, video["id"], cat["id"], 0, "ann").tracks[0]
    paint(store, video, made, 0)
    assert set(masks(store, video)) == {(made, 0)}
    assert runs.runs(store.database, video["id"])[0]["model"] is None


def test_a_new_change_after_an_undo_discards_what_could_be_redone(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    for frame in (1, 2, 3):
        paint(store, video, track, frame)
    edits.undo(store, video["id"], "ann")
    edits.undo(store, video["id"], "ann")
    assert edits.log(store.database, video["id"])["can_redo"]
    paint(store, video, track, 7)
    assert not edits.log(store.database, video["id"])["can_redo"]
    assert edits.redo(store, video["id"], "ann")[1] is None
    undone = [edits.undo(store, video["id"], "ann")[1] for _ in range(3)]
    assert [step and step.frames for step in undone] == [(7, 7), (1, 1), None]
    log = edits.log(store.database, video["id"])
    assert not log["can_undo"] and [entry["undone"] for entry in log["edits"]] == [True] * 4


def test_random_work_is_undone_and_redone_step_by_step_across_restarts(tmp_path: Path) -> None:
    choose = random.Random(5)
    store = new_store(tmp_path)
    video = new_video(store)
    predict(store, video, {k: range(k, LENGTH - k) for k in range(4)}, scores={3: 0.1})
    categories = [row["id"] for row in library.categories(store.database, video["project_id"])]

    def operate() -> None:
        tracks = [track["id"] for track in view.tracks(store.database, video["id"])]
        frame, kind = choose.randrange(LENGTH), choose.random()
        if kind < 0.1 or not tracks:
            edits.new_track(store, video["id"], choose.choice(categories), frame, "ann")
        elif kind < 0.2:
            edits.delete_track(store, video["id"], choose.choice(tracks), "ann")
        elif kind < 0.35:
            edits.delete_from(store, video["id"], choose.choice(tracks), frame, "ann")
        elif kind < 0.5:
            edits.set_category(store, video["id"], choose.choice(tracks), choose.choice(categories), "ann")
        else:
            track = choose.choice(tracks)
            erase = kind > 0.85 and (track, frame) in masks(store, video)
            paint(store, video, track, frame, None if erase else square(choose.randrange(9), choose.randrange(9)))

    states = [everything(store, video)]
    for _ in range(60):
        operate()
        states.append(everything(store, video))
    place, rev = 60, library.video(store.database, video["id"])["rev"]
    for step in range(150):
        back = choose.random() < (0.7 if step < 75 else 0.3)
        _, applied = (edits.undo if back else edits.redo)(store, video["id"], "ann")
        target = max(place - 1, 0) if back else min(place + 1, 60)
        assert (applied is not None) == (target != place)
        place = target
        assert everything(store, video) == states[place]
        if step % 40 == 0:
            store.close()
            store = Store(store.path)
    assert library.video(store.database, video["id"])["rev"] > rev


def test_corrections_stay_with_the_run_they_were_made_on(store: Store, video: Row) -> None:
    first = predict(store, video, {0: range(10)})[0]
    paint(store, video, first, 4)
    old = library.video(store.database, video["id"])["run_id"]
    second = predict(store, video, {0: range(10)})[0]
    with store.transaction() as database:
        runs.show_run(database, video["id"], runs.runs(database, video["id"])[-1]["id"])
    assert {track for track, _ in masks(store, video)} == {second}
    assert edits.undo(store, video["id"], "ann")[1] is None, "undo does not reach into another run"
    with store.transaction() as database:
        runs.show_run(database, video["id"], old)
    assert masks(store, video)[first, 4][0] == DRAWN


def test_a_track_someone_worked_on_outlives_the_end_of_its_run(store: Store, video: Row) -> None:
    dog = library.categories(store.database, video["project_id"])[0]["id"]
    run = runs.add_run(store.database, video["id"], "demo", {"score_threshold": 0.5})
    seen = [runs.Prediction(k, frame, square(k, k), 0.9) for frame in range(4) for k in (0, 1)]
    good = {k: runs.TrackEstimate(dog, 0.9) for k in (0, 1)}
    with store.transaction() as database:
        runs.commit_window(database, run["id"], 4, seen, good, b"")
    numbers = dict(store.database.execute("select number, id from tracks").fetchall())
    paint(store, video, numbers[0], 2)
    paint(store, video, numbers[1], 2)
    edits.undo(store, video["id"], "ann")
    with store.transaction() as database:  # the tracker drops track 1 and thinks little of track 0
        runs.commit_window(database, run["id"], 8, [], {0: runs.TrackEstimate(dog, 0.1)}, b"")
        runs.close_run(database, run["id"], "done")
    assert set(masks(store, video)) == {(numbers[0], frame) for frame in range(4)}
    edits.redo(store, video["id"], "ann")
    assert (numbers[1], 2) in masks(store, video), "what can be redone is never deleted"


def test_values_that_break_a_rule_are_refused_with_a_sentence(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    other = new_video(store, name="other")
    with pytest.raises(Invalid, match=r"Frame 40 does not exist: the video has the frames 0 to 39\."):
        edits.set_mask(store, video["id"], track, LENGTH, DRAWN, 0, "ann")
    with pytest.raises(NotFound, match="another run or video"):
        edits.delete_track(store, other["id"], track, "ann")
    foreign = library.categories(store.database, other["project_id"])[0]["id"]
    with pytest.raises(NotFound, match="no category"):
        edits.set_category(store, video["id"], track, foreign, "ann")
    with pytest.raises(NotFound, match="no mask in frame 30"):
        edits.set_mask(store, video["id"], track, 30, None, 0, "ann")
    assert edits.log(store.database, video["id"])["edits"] == []


def test_people_editing_at_once_lose_nothing(store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(LENGTH)})[0]
    outcomes: list[str] = []

    def edit(person: int) -> None:
        for frame in range(10):
            try:
                edits.set_mask(
                    store, video["id"], track, frame, square(person, frame), view.PREDICTED_REV, f"person {person}"
                )
                outcomes.append("saved")
            except Conflict:
                outcomes.append("refused")

    threads = [threading.Thread(target=edit, args=(person,)) for person in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 20 + ["saved"] * 10
    assert len(edits.log(store.database, video["id"])["edits"]) == 10


@pytest.mark.parametrize(
    ("predicted", "corrected", "spans"),
    [
        ([], [], []),
        ([(0, 5)], [], [(0, 5, "model")]),
        ([(0, 5)], [(0, 1, "user"), (4, 5, None)], [(0, 1, "user"), (1, 4, "model")]),
        ([(0, 3), (5, 8)], [(3, 5, "user")], [(0, 3, "model"), (3, 5, "user"), (5, 8, "model")]),
        (
            [(0, 9)],
            [(2, 4, "user"), (4, 6, None), (8, 12, "user")],
            [(0, 2, "model"), (2, 4, "user"), (6, 8, "model"), (8, 12, "user")],
        ),
        ([(0, 3), (4, 6)], [(1, 5, None)], [(0, 1, "model"), (5, 6, "model")]),
        ([(0, 4), (6, 9)], [(4, 6, "model")], [(0, 9, "model")]),
        ([(2, 3)], [(2, 3, None)], []),
        (
            [],
            [(1, 2, "user"), (2, 4, "model"), (9, 10, "user")],
            [(1, 2, "user"), (2, 4, "model"), (9, 10, "user")],
        ),
    ],
)
def test_spans_follow_corrections(
    predicted: list[tuple[int, int]], corrected: list[tuple[int, int, str | None]], spans: list[tuple[int, int, str]]
) -> None:
    assert view.overlay(predicted, corrected) == spans
