"""The training set of a project: only what people verified teaches, and what they took away counts where it was."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from studio.finetune.roles import Material, choose_roles, keep_roles, roles
from studio.finetune.snapshot import build_snapshot, given_roles, snapshot_hash, write_snapshot
from studio.finetune.summary import summarise
from studio.review import edits, identity, log, tracks, verification, view
from studio.store import Row, Store, library
from tests.studio.library import LENGTH, new_store, new_video, predict, square
from training.ytvis import read_dataset


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


@pytest.fixture
def video(store: Store) -> Row:
    return new_video(store)


def snapshot_of(store: Store, video: Row) -> dict[str, Any]:
    return build_snapshot(store.database, video["project_id"])


def frames_of(snapshot: dict[str, Any], layer: str, track: int) -> list[int]:
    """The ordinals of the frames in which a layer of the snapshot has masks of the track."""
    ordinals = {video["id"]: video["frames"] for video in snapshot["videos"]}
    return [
        ordinals[entry["video_id"]][place]
        for entry in snapshot[layer]
        if entry["track"] == track
        for place, code in enumerate(entry["segmentations"])
        if code is not None
    ]


def test_without_corrections_there_is_nothing_to_teach(store: Store, video: Row) -> None:
    predict(store, video, {0: range(LENGTH)})
    found = snapshot_of(store, video)
    assert found["videos"] == [] and found["annotations"] == []
    summary = summarise(found, ["dog"])
    assert not summary["ready"] and "Nothing is verified yet" in summary["warnings"][0]


def test_only_verified_masks_teach_and_other_frames_are_not_background(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH), 1: range(LENGTH)})
    log.perform(store, video["id"], "ann", verification.verify([ids[0]], 3, 6))
    found = snapshot_of(store, video)
    assert found["videos"][0]["frames"] == [3, 4, 5]
    assert found["videos"][0]["whole"] == [True, True, True]
    assert frames_of(found, "annotations", ids[0]) == [3, 4, 5]
    assert frames_of(found, "annotations", ids[1]) == []
    assert frames_of(found, "ignored", ids[1]) == [3, 4, 5], "what nobody looked at is neither object nor background"


def test_a_drawn_mask_teaches_as_it_was_drawn_under_the_category_that_a_person_gave(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH)})
    shown = view.mask(store.database, video["id"], ids[0], 7)
    assert shown
    edits.set_mask(store, video["id"], ids[0], 7, square(2, 2, 5), shown["rev"], "ann")
    cat = library.categories(store.database, video["project_id"])[1]
    edits.set_category(store, video["id"], ids[0], cat["id"], "ann")
    found = snapshot_of(store, video)
    (annotation,) = found["annotations"]
    assert annotation["category_id"] == cat["number"]
    assert [code["counts"] for code in annotation["segmentations"]] == [square(2, 2, 5)]
    assert [edit["op"] for edit in found["edits"]] == ["set_mask", "set_category"]


def test_a_deleted_track_is_rejected_where_it_was_and_says_nothing_of_the_rest(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH), 4: range(LENGTH)})
    edits.delete_track(store, video["id"], ids[4], "ann")
    found = snapshot_of(store, video)
    assert len(frames_of(found, "rejected", ids[4])) == 10, "a few of its frames say it"
    assert not any(found["videos"][0]["whole"])
    assert found["annotations"] == [] and found["ignored"] == []
    assert not summarise(found, [])["ready"]


def test_a_verified_absence_makes_the_frame_count(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH)})
    shown = view.mask(store.database, video["id"], ids[0], 9)
    assert shown
    edits.set_mask(store, video["id"], ids[0], 9, None, shown["rev"], "ann")
    found = snapshot_of(store, video)
    assert (found["videos"][0]["frames"], found["videos"][0]["whole"]) == ([9], [True])
    assert frames_of(found, "rejected", ids[0]) == [9]


def test_an_end_that_was_cut_off_is_rejected_and_an_undo_takes_that_back(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH)})
    edits.delete_from(store, video["id"], ids[0], LENGTH - 4, "ann")
    assert frames_of(snapshot_of(store, video), "rejected", ids[0]) == list(range(LENGTH - 4, LENGTH))
    edits.undo(store, video["id"], "ann")
    assert snapshot_of(store, video)["videos"] == []


def test_what_went_to_another_track_is_not_rejected(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH), 4: range(LENGTH)})
    log.perform(store, video["id"], "ann", identity.swap(ids[0], ids[4], 20))
    log.perform(store, video["id"], "ann", identity.split([ids[0]], 30))
    assert snapshot_of(store, video)["rejected"] == []


def test_a_deleted_duplicate_is_no_negative_where_the_object_is(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH), 9: range(LENGTH)})  # both are drawn at the same place
    log.perform(store, video["id"], "ann", tracks.delete([ids[9]], None, None))
    assert snapshot_of(store, video)["rejected"] == []


def test_what_was_verified_on_an_earlier_run_still_teaches(store: Store, video: Row) -> None:
    old = predict(store, video, {0: range(LENGTH)})
    log.perform(store, video["id"], "ann", verification.verify([old[0]], 3, 6))
    new = predict(store, video, {0: range(LENGTH)})
    with store.transaction() as database:
        (run,) = database.execute("select max(id) from runs").fetchone()
        database.execute("update videos set run_id = ? where id = ?", (run, video["id"]))
    log.perform(store, video["id"], "ann", verification.verify([new[0]], 5, 8))
    found = snapshot_of(store, video)
    assert frames_of(found, "annotations", new[0]) == [5, 6, 7]
    assert frames_of(found, "annotations", old[0]) == [3, 4], "a frame counts once, as it was said last"


def test_the_snapshot_is_a_youtube_vis_dataset_and_its_hash_is_that_of_its_content(
    store: Store, video: Row, tmp_path: Path
) -> None:
    ids = predict(store, video, {0: range(LENGTH), 1: range(5)})
    log.perform(store, video["id"], "ann", verification.verify(None, 2, 9))
    found = snapshot_of(store, video)
    write_snapshot(found, tmp_path / "snapshot.json")
    dataset = read_dataset(tmp_path / "snapshot.json")
    assert [len(instance.segmentations) for instance in dataset.instances] == [7, 7]
    assert snapshot_hash(json.loads((tmp_path / "snapshot.json").read_text())) == snapshot_hash(found)
    assert snapshot_hash(snapshot_of(store, video)) == snapshot_hash(found)
    edits.delete_track(store, video["id"], ids[1], "ann")
    assert snapshot_hash(snapshot_of(store, video)) != snapshot_hash(found)


def material(frames: int, key: str, **masks: int) -> Material:
    return Material(frames, Counter(masks), key)


def test_a_fifth_is_held_out_and_no_category_is_left_without_a_teacher() -> None:
    videos = {n: material(10, f"{n * 7 % 10}", dog=10, cat=10 * (n % 2)) for n in range(10)}
    videos[10] = material(10, "a", rabbit=10)
    chosen = choose_roles(videos, {})
    held_out = [video for video, out in chosen.items() if out]
    assert len(held_out) == 2 and 10 not in held_out
    assert {n % 2 for n in held_out} == {0, 1}, "every category has its share"
    assert choose_roles(dict(reversed(videos.items())), {}) == chosen, "the same whatever the order"


def test_roles_stay_when_videos_come(store: Store) -> None:
    few = {1: material(10, "c", dog=10), 2: material(10, "b", dog=10), 3: material(10, "a", dog=10)}
    first = choose_roles(few, {})
    assert sum(first.values()) == 1
    more = few | {n: material(10, str(n), dog=10) for n in range(4, 14)}
    later = choose_roles(more, first)
    assert {video: later[video] for video in few} == first
    assert sum(later.values()) > 1


def test_one_video_alone_teaches() -> None:
    assert choose_roles({1: material(10, "a", dog=10)}, {}) == {1: False}
    assert choose_roles({1: material(10, "a", dog=10), 2: material(10, "b", dog=10)}, {}) == {1: False, 2: False}


def test_given_roles_are_kept_for_the_project(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH)})
    log.perform(store, video["id"], "ann", verification.verify([ids[0]], 3, 6))
    with store.transaction() as database:
        keep_roles(database, given_roles(snapshot_of(store, video)))
        keep_roles(database, {video["id"]: True})
    assert roles(store.database, video["project_id"]) == {video["id"]: False}


def test_the_summary_counts_and_warns_in_words(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(LENGTH), 1: range(2)})
    cat = library.categories(store.database, video["project_id"])[1]
    edits.set_category(store, video["id"], ids[1], cat["id"], "ann")
    log.perform(store, video["id"], "ann", verification.verify(None))
    summary = summarise(snapshot_of(store, video), ["dog"])
    assert (summary["videos"], summary["frames"], summary["masks"], summary["tracks"]) == (1, LENGTH, LENGTH + 2, 2)
    assert [(c["name"], c["masks"], c["known"]) for c in summary["categories"]] == [
        ("dog", LENGTH, True),
        ("cat", 2, False),
    ]
    text = " ".join(summary["warnings"])
    assert 'Fewer than 5 verified masks of "cat"' in text
    assert f"Out of balance: {LENGTH} masks of dog, 2 of cat" in text
    assert "No video is held out" in text
