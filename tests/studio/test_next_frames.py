"""What to correct next: doubtful and unfamiliar frames come first, each with its reason, and no two for the same thing."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from studio.cli import main
from studio.finetune.next_frames import next_frames
from studio.finetune.roles import keep_roles
from studio.finetune.worth import Look, choose, distances, doubts, likeness, of_one_thing, softmax
from studio.review import log, verification
from studio.settings import Home
from studio.store import Row, Store
from tests.studio.seen import Thing, run, still, video_row


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def studio(store: Store) -> tuple[Store, Row]:
    return store, video_row(store)


def test_not_to_know_what_something_is_counts_more_than_not_to_know_whether_it_is() -> None:
    odds = softmax(np.array([[9.0, -9, 0], [-9.0, -9, 9], [5.0, 5, -9], [5.0, -9, 5]]))
    sure, nothing, which, whether = doubts(odds)
    assert sure < 0.01 and nothing < 0.01
    assert which == pytest.approx(1, abs=1e-4) and whether == pytest.approx(0.2, abs=1e-4)


def test_answers_are_apart_by_the_odds_that_moved_whatever_the_categories_are() -> None:
    one = (["dog", "cat", "nothing"], np.array([[0.6, 0.1, 0.3], [0.0, 0.0, 1.0]]))
    other = (["owl", "dog", "nothing"], np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(distances(one, other), [0.2, 0])


def test_the_second_choice_shows_something_else_than_the_first_though_it_is_less_in_doubt() -> None:
    one, other = np.eye(4)[:1], np.eye(4)[1:2]
    seen = enumerate(((0.9, one), (0.8, one), (0.5, other), (0.1, other)))
    looks = [Look(1, 100 * place, "m", np.array([doubt]), embed) for place, (doubt, embed) in seen]
    assert [place for place, _ in choose(looks, {}, 3)] == [0, 2, 1]
    assert [place for place, _ in choose(looks, {"m": [one, one]}, 1)] == [2], "what is verified is known already"
    assert [place for place, _ in choose(looks, {"another": [one, one]}, 1)] == [0], "looks compare within one model"


def test_what_was_seen_once_is_worth_half_and_what_was_seen_often_nearly_nothing() -> None:
    one = np.eye(4)[:1]
    looks = [Look(1, 100 * place, "m", np.array([0.6]), one) for place in range(3)]
    assert [gains.tolist() for _, gains in choose(looks, {}, 3)] == [[0.6], [0.3], [pytest.approx(0.2)]]
    ((_, gains),) = choose(looks, {"m": [one] * 59}, 1)
    assert gains.tolist() == [pytest.approx(0.01)]


def test_frames_that_follow_each_other_are_not_both_chosen() -> None:
    looks = [
        Look(1, frame, "m", np.array([0.9]), embed[None]) for frame, embed in zip((3, 8, 9), np.eye(3), strict=True)
    ]
    assert [place for place, _ in choose(looks, {}, 3)] == [0, 2]


def test_one_thing_in_much_doubt_comes_before_a_crowd_in_a_little() -> None:
    crowd, alone = np.eye(8)[:6], np.eye(8)[6:]
    looks = [Look(1, 0, "m", np.full(6, 0.2), crowd), Look(1, 50, "m", np.array([0.5, 0.0]), alone)]
    assert [place for place, _ in choose(looks, {}, 2)] == [1, 0]


def test_alike_is_what_points_the_same_way_as_something_in_a_frame() -> None:
    embeds = np.array([[3.0, 0], [1, 1], [-2, 0]])
    assert likeness(embeds, np.zeros((0, 2))).tolist() == [0, 0, 0]
    np.testing.assert_allclose(likeness(embeds, np.array([[5.0, 0], [-1, -1]])), [1, 0.5**0.5, 0.5**0.5], atol=1e-9)


def test_what_looks_alike_and_is_surely_something_counts_for_a_thing() -> None:
    embeds = np.array([[1.0, 0, 0], [2, 0, 0], [1, 0.1, 0], [0, 1, 0], [0.2, 0, 1]])
    shares = of_one_thing(embeds, np.array([0.9, 0.9, 0.09, 0.5, 0.5]))
    np.testing.assert_allclose(shares.sum(1), 1)
    assert shares[0, 0] == pytest.approx(shares[0, 1]) and shares[0, 2] < 0.1
    assert shares[0, 3] == shares[0, 4] == 0, "what points elsewhere is another thing"
    np.testing.assert_allclose(shares[3], [0, 0, 0, 1, 0])
    assert (of_one_thing(embeds, np.zeros(5)) == 0).all(), "of nothing there is no doubt"


def test_what_is_in_doubt_wherever_it_shows_comes_before_what_is_for_a_moment(studio: tuple[Store, Row]) -> None:
    store, video = studio
    known, blurred = Thing(0, still(2, 2, range(30)), score=0.97), Thing(0, still(2, 2, range(30, 31)), score=0.5)
    unknown = Thing(3, still(14, 4, range(20, 25)), score=0.7, kind=1)
    run(store, video, [known, blurred, unknown])
    first, *rest = next_frames(store.database, video["project_id"], 3)
    assert first.frame in range(20, 25) and first.reason == "Cat or nothing? 70% sure."
    assert all(found.worth < first.worth for found in rest)


def test_frames_in_doubt_come_first_with_the_reason(studio: tuple[Store, Row]) -> None:
    store, video = studio
    unsure = Thing(3, still(14, 4, range(20, 25)), score=0.45, kind=1)
    run(store, video, [Thing(0, still(2, 2), score=0.8), unsure])
    first, *rest = next_frames(store.database, video["project_id"], 3)
    assert first.frame in range(20, 25) and first.reason == "Cat or nothing? 45% sure."
    assert all(found.worth < first.worth / 2 for found in rest)


def test_where_two_models_disagree_one_is_wrong(studio: tuple[Store, Row]) -> None:
    store, video = studio
    sure, place = Thing(0, still(2, 2), score=0.98), still(14, 4, range(30, 33))
    run(store, video, [sure, Thing(5, place, score=0.98)], model="old")
    run(store, video, [sure, Thing(5, place, score=0.98, kind=1)], model="new")
    (found,) = next_frames(store.database, video["project_id"], 2)  # the same thing again is worth nothing
    assert found.frame in range(30, 33) and found.reason == "old said dog, new says cat."


def test_held_out_videos_are_left_out(studio: tuple[Store, Row]) -> None:
    store, video = studio
    run(store, video, [Thing(0, still(2, 2), score=0.6)])
    with store.transaction() as database:
        keep_roles(database, {video["id"]: True})
    assert next_frames(store.database, video["project_id"]) == []


def test_verified_frames_are_left_out_and_what_they_show_is_known(studio: tuple[Store, Row]) -> None:
    store, video = studio
    tracks = run(store, video, [Thing(0, still(2, 2), score=0.6), Thing(1, still(9, 9, range(30, 33)), score=0.6)])
    found, *others = next_frames(store.database, video["project_id"])
    assert 30 <= found.frame < 33, "no other frame shows anything in doubt that this one does not"
    assert others and all(other.worth <= found.worth / 2 + 0.001 for other in others)
    log.perform(store, video["id"], "ann", verification.verify([tracks[0]], 0, 24))
    found, *_ = next_frames(store.database, video["project_id"])
    assert 30 <= found.frame < 33
    log.perform(store, video["id"], "ann", verification.verify(None, 30, 31))
    assert next_frames(store.database, video["project_id"]) == [], (
        "the others show what is verified in many frames already"
    )


def test_the_list_over_http_and_on_the_command_line(
    client: TestClient, store: Store, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    video = video_row(store)
    address = f"/projects/{video['project_id']}/next"
    assert client.get(address).json() == {"frames": []}
    run(store, video, [Thing(0, still(2, 2), score=0.6)])
    (found,) = client.get(address, params={"count": 1}).json()["frames"]
    assert (found["video"], found["video_name"]) == (video["id"], "clip") and 0 <= found["frame"] < video["length"]
    assert client.get(address, params={"count": 0}).status_code == 422
    assert client.get("/projects/99/next").status_code == 404
    with pytest.raises(SystemExit, match="0"):
        main(["finetune", "Project 1", "--next", "--home", str(home.root)])
    assert "Dog or nothing? 60% sure." in capsys.readouterr().out
