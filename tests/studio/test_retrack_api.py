"""Tracking again under sliders: what a run with those settings would show, with everything that people said kept."""

import random
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.config import TrackerConfig
from engine.errors import DataError
from studio.api import long_operations
from studio.api.newest import Newest
from studio.finetune.taught import taught_run
from studio.review import carrying, edits, identity, retracking, shapes, tracks, verification, view
from studio.review.log import perform
from studio.review.plan import Operation
from studio.settings import Home
from studio.store import Row, Store, library
from studio.store.errors import Conflict, Invalid, NotFound
from tests.studio.seen import HEIGHT, LENGTH, WIDTH, Thing, run, still, video_row

Masks = dict[int, dict[int, str]]  # counts by track and frame

# A dog behind a tree for six frames, a cat that is there all the time, something that flickers.
TREE = range(15, 21)
DOG = Thing(0, {t: (4 + t // 4, 2) for t in range(LENGTH) if t not in TREE})
CAT = Thing(1, still(4, 10), score=0.95, kind=1)  # surest, so that it chooses its track first
FLICKER = Thing(2, still(18, 10, [5, 6, 7, 8, 9]), score=0.6)
IMPATIENT = TrackerConfig(max_absence=3)  # the dog behind the tree is another dog afterwards


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(store: Store) -> Row:
    return video_row(store)


@pytest.fixture
def dogs(store: Store, video: Row) -> list[int]:
    """The rows of the tracks: the dog, the cat, the flicker, the dog after the tree."""
    cat, dog, flicker, late = run(store, video, [DOG, CAT, FLICKER], IMPATIENT).values()
    return [dog, cat, flicker, late]


def root(video: Row) -> str:
    return f"/videos/{video['id']}"


def shown(client: TestClient, video: Row) -> Masks:
    found: Masks = {}
    for frame, masks in enumerate(client.get(f"{root(video)}/masks?n={LENGTH}").json()["frames"]):
        for mask in masks:
            found.setdefault(mask["track"], {})[frame] = mask["counts"]
    return found


def nameless(masks: Masks) -> list[Any]:
    return sorted(sorted(cells.items()) for cells in masks.values())


def everything(client: TestClient, video: Row) -> list[Any]:
    """All that is shown, but for the revision."""
    answers = [client.get(f"{root(video)}/{what}").json() for what in ("tracks", "timeline", f"masks?n={LENGTH}")]
    return [{key: value for key, value in answer.items() if key != "rev"} for answer in answers]


def preview(client: TestClient, video: Row, **settings: Any) -> dict[str, Any]:
    answer = client.post(f"{root(video)}/retrack/preview", json=settings)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def retrack(client: TestClient, video: Row, **settings: Any) -> dict[str, Any]:
    answer = client.post(f"{root(video)}/ops/retrack", json=settings)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def test_one_dog_instead_of_two_and_one_step_back(client: TestClient, video: Row, dogs: list[int]) -> None:
    before = everything(client, video)
    masks = shown(client, video)
    assert set(masks[dogs[0]]) == set(range(15)) and set(masks[dogs[3]]) == set(range(21, LENGTH))
    done = retrack(client, video, max_absence=20)
    assert done["summary"] == "Tracked again: 3 tracks instead of 4; 19 masks to another track"
    after = shown(client, video)
    assert after == {
        dogs[0]: masks[dogs[0]] | masks[dogs[3]],
        dogs[1]: masks[dogs[1]],
        dogs[2]: masks[dogs[2]],
    }, "tracks that go on keep their ids"
    client.post(f"{root(video)}/undo")
    assert everything(client, video) == before
    client.post(f"{root(video)}/redo")
    assert shown(client, video) == after


def test_the_preview_shows_on_the_timeline_what_would_come_of_it_and_changes_nothing(
    client: TestClient, video: Row, dogs: list[int]
) -> None:
    before = everything(client, video)
    said = preview(client, video, max_absence=20)
    assert everything(client, video) == before
    assert said["summary"] == "3 tracks instead of 4; 19 masks to another track"
    assert (said["frames"], said["length"], said["hidden"], said["made"]) == (LENGTH, LENGTH, [dogs[3]], [])
    assert (said["settings"]["max_absence"], said["of_run"]["max_absence"]) == (20, 3)
    retrack(client, video, max_absence=20)
    timeline = client.get(f"{root(video)}/timeline").json()
    assert said["tracks"] == timeline["tracks"] and said["verified"] == timeline["verified"]


@pytest.mark.parametrize("seed", range(6))
def test_it_shows_what_a_run_with_these_settings_would_show(
    client: TestClient, store: Store, video: Row, seed: int
) -> None:
    choose = random.Random(seed)
    things = [
        Thing(
            look % 4,  # some look alike
            {t: (choose.randrange(20), choose.randrange(12)) for t in range(LENGTH) if choose.random() < 0.7},
            choose.uniform(0.2, 0.95),
            look % 3,
        )
        for look in range(6)
    ]
    config = TrackerConfig(
        match_threshold=choose.choice([0.05, 0.5, 0.8]),
        init_threshold=choose.choice([0.01, 0.5]),
        max_absence=choose.choice([1, 4]),
        nms_threshold=choose.choice([0.3, 0.9]),
        matching=choose.choice(["greedy", "hungarian"]),
        min_length=choose.choice([1, 4]),
    )
    run(store, video, things, TrackerConfig(), threshold=0.1, noise=1.0)
    predicted = everything(client, video)
    wanted_video = video_row_of(store, video)
    run(store, wanted_video, things, config, threshold=0.1, noise=1.0)
    wanted = nameless(shown(client, wanted_video))
    settings = {name: value for name, value in vars(config).items() if value != vars(TrackerConfig())[name]}
    retrack(client, video, **settings)
    assert nameless(shown(client, video)) == wanted != nameless_of(predicted)
    elsewhere = {name: vars(TrackerConfig())[name] for name in settings}
    other = retrack(client, video, match_threshold=0.9, init_threshold=0.7)
    assert nameless(shown(client, video)) != wanted and other["masks"]
    retrack(client, video, **elsewhere | {"match_threshold": 0.3, "init_threshold": 0.01})
    assert everything(client, video) == predicted, "the run's own settings give the run's own tracks, by their ids"
    for _ in range(3):
        client.post(f"{root(video)}/undo")
    assert everything(client, video) == predicted and store.database["corrections"].count == 0


def video_row_of(store: Store, video: Row) -> Row:
    """A second video of the same project."""
    with store.transaction() as database:
        facts = {key: video[key] for key in ("bytes", "width", "height", "length", "fps")}
        twin = library.add_video(database, video["project_id"], name="twin", path="twin.mp4", **facts)
        database.execute("update videos set state = 'ready' where id = ?", (twin["id"],))
    return library.video(store.database, twin["id"])


def nameless_of(answers: list[Any]) -> list[Any]:
    found: Masks = {}
    for frame, masks in enumerate(answers[2]["frames"]):
        for mask in masks:
            found.setdefault(mask["track"], {})[frame] = mask["counts"]
    return nameless(found)


def test_the_settings_of_the_run_change_nothing_and_say_so(client: TestClient, video: Row, dogs: list[int]) -> None:
    said = preview(client, video)
    assert said["summary"] == "4 tracks as before" and said["settings"] == said["in_force"] == said["of_run"]
    refused = client.post(f"{root(video)}/ops/retrack", json={})
    assert refused.status_code == 422 and "nothing to change" in refused.json()["detail"]


def test_what_a_person_said_is_kept_and_leads_the_tracker(
    client: TestClient, store: Store, video: Row, dogs: list[int]
) -> None:
    """The person says that the dog after the tree is the first one: in a single frame."""
    masks = shown(client, video)
    dog, cat, flicker, late = dogs
    edits.set_mask(store, video["id"], dog, 25, masks[late][25], 0, "ann")
    edits.set_mask(store, video["id"], late, 25, None, 1, "ann")
    perform(store, video["id"], "ann", verification.verify([cat], 0, 10))
    perform(store, video["id"], "ann", tracks.delete([flicker], None, None))
    said = preview(client, video, match_threshold=0.31)
    assert said["numbers"]["verified_tracks"] == 2 and said["numbers"]["unchanged"] == 1
    assert "1 of 2 verified tracks unchanged" in said["summary"]
    retrack(client, video, match_threshold=0.31)
    after = shown(client, video)
    assert set(after[dog]) == set(range(15)) | set(range(25, LENGTH)), "from that frame on it is that dog"
    assert set(after[late]) == set(range(21, 25))
    assert flicker not in after, "what was thrown away stays away"
    timeline = client.get(f"{root(video)}/timeline").json()
    assert timeline["verified"] == {str(dog): [[25, 26]], str(cat): [[0, 10]]}


def test_moved_drawn_and_removed_masks_and_categories_of_people_stay(
    client: TestClient, store: Store, video: Row, dogs: list[int]
) -> None:
    dog, cat, _, late = dogs
    categories = {row["name"]: row["id"] for row in library.categories(store.database, video["project_id"])}
    for operation in (
        identity.swap(dog, cat, 5, 8),
        shapes.draw(late, 30, 1, box=(50, 40, 60, 50)),
        tracks.delete([cat], 12, 14),
        tracks.change_category([late], categories["cat"]),
        shapes.copy([late], 35, 36, 38),
    ):
        perform(store, video["id"], "ann", operation)
    before = shown(client, video)
    retrack(client, video, max_absence=30, match_threshold=0.4)
    after = shown(client, video)
    for track, frames in ((dog, range(5, 8)), (cat, [*range(5, 8), 12, 13]), (late, [30, 36, 37])):
        for frame in frames:
            assert after.get(track, {}).get(frame) == before[track].get(frame), (track, frame)
    assert not any(before[dog][5] == cells.get(5) for track, cells in after.items() if track != dog)
    names = {track["id"]: track["category"] for track in client.get(f"{root(video)}/tracks").json()["tracks"]}
    assert names[late] == "cat"


def test_a_track_that_a_person_drew_goes_on_where_the_model_sees_it(
    client: TestClient, store: Store, video: Row
) -> None:
    owl = Thing(2, still(16, 8, range(10, 30)), score=0.05, kind=2)
    run(store, video, [CAT, owl], TrackerConfig(init_threshold=0.3))
    cat_id = library.categories(store.database, video["project_id"])[1]["id"]
    track = perform(store, video["id"], "ann", tracks.new_track(cat_id, 12)).tracks[0]
    perform(store, video["id"], "ann", shapes.draw(track, 12, 0, box=(64, 32, 79, 48)))
    retrack(client, video)
    assert sorted(shown(client, video)[track]) == list(range(12, 30))


def test_a_confirmed_mask_that_the_tracker_withdrew_stands_in_nobodys_way(
    client: TestClient, store: Store, video: Row, dogs: list[int]
) -> None:
    perform(store, video["id"], "ann", verification.verify([dogs[2]], 5, 6))
    with store.transaction() as database:
        database.execute("delete from masks where track_id = ? and frame = 5", (dogs[2],))
    retrack(client, video, max_absence=20)
    assert set(shown(client, video)[dogs[0]]) == set(range(LENGTH)) - set(TREE)


def test_new_tracks_bring_their_category(client: TestClient, store: Store, video: Row) -> None:
    owl = Thing(2, still(16, 8, range(10, 30)), score=0.2, kind=2)
    run(store, video, [CAT, owl], TrackerConfig(init_threshold=0.3))
    said = preview(client, video, init_threshold=0.1)
    assert [(made["track"], made["category"]) for made in said["made"]] == [(-1, "owl")]
    assert said["tracks"]["-1"] == [[10, 30, "model"]]
    done = retrack(client, video, init_threshold=0.1)
    listed = {track["id"]: track for track in client.get(f"{root(video)}/tracks").json()["tracks"]}
    made = listed[done["made"][0]]
    assert (made["category"], made["source"], made["count"]) == ("owl", "model", 20)
    assert made["score"] == pytest.approx(said["made"][0]["score"])


def test_what_tracking_again_leaves_out_is_no_persons_rejection(
    client: TestClient, store: Store, video: Row, dogs: list[int]
) -> None:
    retrack(client, video, init_threshold=0.8, min_length=10, match_threshold=0.6)
    assert len(shown(client, video)) < 4
    assert taught_run(store.database, 1, (HEIGHT, WIDTH)).frames == []
    perform(store, video["id"], "ann", tracks.delete([dogs[1]], 3, 5))
    assert [frame.frame for frame in taught_run(store.database, 1, (HEIGHT, WIDTH)).frames] == [3, 4]


@pytest.mark.parametrize("seed", range(3))
def test_tracking_again_amid_other_work_is_undone_and_done_again_exactly(store: Store, video: Row, seed: int) -> None:
    choose = random.Random(seed)
    things = [
        Thing(
            look % 3,
            {t: (choose.randrange(20), choose.randrange(12)) for t in range(LENGTH) if choose.random() < 0.7},
            choose.uniform(0.3, 0.95),
            look % 3,
        )
        for look in range(5)
    ]
    run(store, video, things, TrackerConfig(max_absence=3, match_threshold=0.4), threshold=0.1, noise=1.0)
    states = [whole(store, video)]
    done: set[str] = set()
    while len(states) <= 30:
        operation = some_operation(choose, store, video)
        try:
            done.add(perform(store, video["id"], "ann", operation, rehearse=True).op)
        except (Conflict, Invalid, NotFound, DataError):
            continue
        states.append(whole(store, video))
    assert {"retrack", "accept", "propagate", "swap", "merge"} <= done
    for state in states[-2::-1]:
        edits.undo(store, video["id"], "ann")
        assert whole(store, video) == state
    assert store.database["corrections"].count == 0
    for state in states[1:]:
        edits.redo(store, video["id"], "ann")
        assert whole(store, video) == state


def some_operation(choose: random.Random, store: Store, video: Row) -> Operation:
    """Any operation, by weight; it may turn out that it cannot be done."""
    ids = [track["id"] for track in view.tracks(store.database, video["id"])]
    one, other = choose.sample(ids, 2) if len(ids) > 1 else (1, 2)
    frame, query = choose.randrange(LENGTH - 1), choose.randrange(5)
    settings = {"match_threshold": choose.choice([0.05, 0.3, 0.6]), "max_absence": choose.choice([1, 5, 20])}
    return choose.choice(
        [
            lambda: retracking.retrack(settings),
            lambda: retracking.retrack(settings),
            lambda: carrying.accept(frame, query, choose.choice([None, one]), taken=choose.choice(["leave", "take"])),
            lambda: carrying.carry(one, frame, choose.choice([0, LENGTH]), choose.choice(["leave", "take"])),
            lambda: identity.swap(one, other, frame),
            lambda: identity.split([one], frame),
            lambda: identity.merge(one, [other], "first"),
            lambda: tracks.delete([one], frame, frame + 4) if frame < LENGTH - 4 else tracks.delete([one], None, None),
            lambda: verification.verify([one], frame, frame + 1),
        ]
    )()  # type: ignore[no-untyped-call]


def whole(store: Store, video: Row) -> Any:
    """All that is shown."""
    masks = [tuple(mask.values()) for mask in view.masks(store.database, video["id"], 0, LENGTH)]
    found = [tuple(track.values()) for track in view.tracks(store.database, video["id"])]
    return masks, found, view.timeline(store.database, video["id"]), view.verified_spans(store.database, video["id"])


def test_settings_that_cannot_be_are_refused_in_a_sentence(client: TestClient, video: Row, dogs: list[int]) -> None:
    for settings, words in (
        ({"select_threshold": 0.001}, "only what exceeds 0.01 was stored"),
        ({"match_threshold": 1.5}, "less than or equal to 1"),
        ({"matching": "best"}, "greedy"),
    ):
        for route in ("retrack/preview", "ops/retrack"):
            refused = client.post(f"{root(video)}/{route}", json=settings)
            assert refused.status_code == 422 and words in refused.json()["detail"]


def test_it_waits_until_the_model_is_done(client: TestClient, store: Store, video: Row, dogs: list[int]) -> None:
    with store.transaction() as database:
        database.execute("update runs set state = 'running'")
    refused = client.post(f"{root(video)}/ops/retrack", json={"max_absence": 20})
    assert refused.status_code == 409 and "still running" in refused.json()["detail"]


def test_a_preview_of_a_long_video_shows_its_first_frames_in_time(
    client: TestClient, video: Row, dogs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_operations, "PREVIEW_SECONDS", 0.0)
    said = preview(client, video, max_absence=20)
    assert said["frames"] == 1 and said["summary"].startswith("in the first 1 of 40 frames: 2 tracks as before")


def test_an_older_preview_gives_up_when_a_newer_one_of_the_same_person_comes() -> None:
    newest = Newest()
    with newest.turn(("ann", 1)) as older:
        older()
        with newest.turn(("bob", 1)) as other, newest.turn(("ann", 1)) as newer:
            other()
            newer()
            with pytest.raises(Conflict, match="newer preview"):
                older()
    with newest.turn(("ann", 1)) as later:
        later()
