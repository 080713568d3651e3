"""The operations of the review page: what each one shows, what its preview says, and what it must not touch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.masks import area, decode, union
from studio.review import edits, history, identity, log, shapes, tracks, verification, view
from studio.review.cells import Drawn
from studio.review.plan import Operation
from studio.store import Row, Store, library, runs
from studio.store.errors import Conflict, Invalid, NotFound
from tests.studio.library import HEIGHT, LENGTH, WIDTH, new_store, new_video, predict, square

Shown = dict[int, dict[int, str]]  # counts by track and frame


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


@pytest.fixture
def video(store: Store) -> Row:
    return new_video(store)


@pytest.fixture
def two(store: Store, video: Row) -> tuple[int, int]:
    """A track in the frames 0..29 and one in 10..39, never in the same place."""
    ids = predict(store, video, {0: range(30), 5: range(10, 40)})
    return ids[0], ids[5]


def shown(store: Store, video: Row) -> Shown:
    found: Shown = {}
    for mask in view.masks(store.database, video["id"], 0, video["length"]):
        found.setdefault(mask["track"], {})[mask["frame"]] = mask["counts"]
    return found


def do(store: Store, video: Row, operation: Operation, user: str = "ann") -> log.Applied:
    return log.perform(store, video["id"], user, operation)


def category(store: Store, video: Row, name: str) -> int:
    return int(
        next(row["id"] for row in library.categories(store.database, video["project_id"]) if row["name"] == name)
    )


def verified(store: Store, video: Row, track: int) -> list[tuple[int, int]]:
    return view.verified_spans(store.database, video["id"]).get(track, [])


def test_two_tracks_swap_from_a_frame_on_with_their_scores_and_one_undo_brings_them_back(
    store: Store, video: Row, two: tuple[int, int]
) -> None:
    first, second = two
    before = shown(store, video)
    applied = do(store, video, identity.swap(first, second, 20))
    after = shown(store, video)
    assert applied.summary == f"Swapped dog {first} and dog {second} from frame 20 on"
    assert after[first] == {t: (before[first] if t < 20 else before[second])[t] for t in range(40)}
    assert after[second] == {t: (before[second] if t < 20 else before[first])[t] for t in range(10, 30)}
    moved = view.mask(store.database, video["id"], first, 35)
    assert moved is not None and (moved["score"], moved["source"], moved["verified"]) == (0.5, "model", False)
    assert view.timeline(store.database, video["id"])[first] == [(0, 40, "model")]
    stored = store.database.execute("select count(counts) from corrections").fetchone()[0]
    assert stored == 0, "masks are referred to, not copied"
    edits.undo(store, video["id"], "ann")
    assert shown(store, video) == before and store.database["corrections"].count == 0
    edits.redo(store, video["id"], "ann")
    assert shown(store, video) == after


def test_a_swap_of_a_range_ends_with_the_range(store: Store, video: Row, two: tuple[int, int]) -> None:
    before = shown(store, video)
    do(store, video, identity.swap(*two, 12, 15))
    after = shown(store, video)
    for track, other in (two, two[::-1]):
        assert {t for t in before[track] if after[track].get(t) != before[track][t]} == {12, 13, 14}
        assert all(after[track][t] == before[other][t] for t in (12, 13, 14))


def test_a_split_gives_every_chosen_track_a_second_part(store: Store, video: Row, two: tuple[int, int]) -> None:
    before = shown(store, video)
    drawn = square(0, 0, 5)
    edits.set_mask(store, video["id"], two[0], 25, drawn, 1, "ann")
    applied = do(store, video, identity.split([*two, two[0]], 20))
    after = shown(store, video)
    assert len(applied.made) == 2 and len(after) == 4
    for track, part in zip(two, applied.made, strict=True):
        assert after[track] == {t: counts for t, counts in before[track].items() if t < 20}
        assert after[part] == {t: counts for t, counts in before[track].items() if t >= 20} | (
            {25: drawn} if track == two[0] else {}
        )
    assert verified(store, video, applied.made[0]) == [(25, 26)], "what was verified stays so"
    with pytest.raises(Invalid, match="all masks lie on one side"):
        do(store, video, identity.split([two[0]], 20))
    applied = do(store, video, identity.split([two[0], applied.made[1]], 30))
    assert len(applied.made) == 1 and applied.summary.endswith(f" {two[0]} whole"), "what does not cross the frame"


@pytest.mark.parametrize("rule", ["first", "larger", "union", "refuse"])
def test_tracks_merge_by_the_rule_that_was_chosen(
    store: Store, video: Row, two: tuple[int, int], rule: identity.OverlapRule
) -> None:
    into, other = two
    edits.set_mask(store, video["id"], other, 12, square(0, 0, 6), 1, "ann")
    before = shown(store, video)
    merge = identity.merge(into, [other], rule)
    if rule == "refuse":
        with pytest.raises(Conflict, match="same 20 frames, the first is 10"):
            do(store, video, merge)
        return
    said = log.preview(store, video["id"], merge)
    assert (said.overlaps, said.overlapping, said.masks, said.verified) == ([(10, 30)], 20, 30, 1)
    do(store, video, merge)
    after = shown(store, video)
    assert set(after) == {into} and sorted(after[into]) == list(range(40))

    def expected(frame: int) -> str:
        mine, theirs = before[into].get(frame), before[other].get(frame)
        if mine is None or theirs is None:
            return str(mine or theirs)
        codes = [{"size": [HEIGHT, WIDTH], "counts": counts} for counts in (mine, theirs)]
        if rule == "union":
            return union(codes)["counts"]  # type: ignore[arg-type]
        return mine if rule == "first" or area(codes[0]) >= area(codes[1]) else theirs  # type: ignore[arg-type]

    assert after[into] == {frame: expected(frame) for frame in range(40)}
    edits.undo(store, video["id"], "ann")
    assert shown(store, video) == before


def test_frames_move_to_another_track_or_to_a_new_one(store: Store, video: Row, two: tuple[int, int]) -> None:
    first, second = two
    before = shown(store, video)
    do(store, video, identity.move([first], 0, 5, second))
    made = do(store, video, identity.move([first, second], 30, None, None)).made
    after = shown(store, video)
    assert sorted(after[first]) == list(range(5, 30)) and sorted(after[second]) == [*range(5), *range(10, 30)]
    assert after[second][3] == before[first][3]
    assert after[made[0]] == {t: before[second][t] for t in range(30, 40)}
    with pytest.raises(Conflict, match="same 10 frames"):
        do(store, video, identity.move([first], 15, 25, second))
    with pytest.raises(Invalid, match="no masks before frame 5"):
        do(store, video, identity.move([first], 0, 5, None))
    with pytest.raises(Invalid, match="own frames"):
        do(store, video, identity.move([first], 15, 25, first))


@pytest.mark.parametrize(
    ("start", "stop", "left"),
    [(7, 8, 29), (None, 12, 18), (12, None, 12), (3, 9, 24), (None, None, 0)],
    ids=["here", "before here", "from here", "a range", "everywhere"],
)
def test_deleting_takes_the_frames_that_were_said_of_every_chosen_track(
    store: Store, video: Row, start: int | None, stop: int | None, left: int
) -> None:
    ids = predict(store, video, {0: range(30), 1: range(30), 2: range(30)})
    before = shown(store, video)
    operation = tracks.delete([ids[0], ids[1]], start, stop)
    assert log.preview(store, video["id"], operation).masks == 2 * (30 - left)
    applied = do(store, video, operation)
    after = shown(store, video)
    assert applied.masks == 2 * (30 - left) and after[ids[2]] == before[ids[2]]
    assert [len(after.get(ids[number], {})) for number in (0, 1)] == [left, left]
    if left:
        kept = set(range(30)) - set(range(start or 0, LENGTH if stop is None else stop))
        assert set(after[ids[0]]) == kept


def test_deleting_below_a_score_spares_what_is_verified_unless_asked(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(10), 1: range(10)})
    with store.transaction() as database:
        database.execute("update masks set score = 0.1 where frame < 4")
    do(store, video, verification.verify([ids[0]], 2, 3))
    below = tracks.delete_below(None, 0.3)
    assert log.preview(store, video["id"], below).spared == 1
    applied = do(store, video, below)
    assert (applied.masks, applied.spared) == (7, 1)
    assert sorted(shown(store, video)[ids[0]]) == [2, *range(4, 10)]
    do(store, video, tracks.delete_below(None, 0.3, include_verified=True))
    assert sorted(shown(store, video)[ids[0]]) == [*range(4, 10)]


def test_whole_tracks_below_a_score_go_but_not_those_with_verified_masks(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(9), 1: range(9), 2: range(9)}, scores={0: 0.4, 1: 0.4, 2: 0.8})
    do(store, video, verification.verify([ids[1]], 2, 3))
    do(store, video, tracks.delete_below(None, 0.5, whole_tracks=True))
    assert set(shown(store, video)) == {ids[1], ids[2]}


def test_a_category_changed_from_a_frame_on_is_a_track_of_its_own(
    store: Store, video: Row, two: tuple[int, int]
) -> None:
    cat = category(store, video, "cat")
    applied = do(store, video, tracks.change_category(two, cat, 8))
    assert len(applied.made) == 1, "only the first track has masks on both sides"
    found = {
        row["id"]: (row["category"], row["first"], row["last"]) for row in view.tracks(store.database, video["id"])
    }
    assert found == {two[0]: ("dog", 0, 7), two[1]: ("cat", 10, 39), applied.made[0]: ("cat", 8, 29)}


def test_verifying_counts_and_is_taken_back(store: Store, video: Row, two: tuple[int, int]) -> None:
    before = shown(store, video)
    do(store, video, verification.verify([two[0]], 5, 10))
    do(store, video, verification.verify(None, 8, 12))
    assert verified(store, video, two[0]) == [(5, 12)] and verified(store, video, two[1]) == [(10, 12)]
    assert shown(store, video) == before
    assert view.timeline(store.database, video["id"])[two[0]] == [(0, 30, "model")]
    progress = verification.progress(store.database, video["id"])
    assert (progress["verified_masks"], progress["masks"]) == (9, 60)
    assert (progress["verified_frames"], progress["frames"], progress["verified_tracks"]) == (7, 40, 0)
    do(store, video, verification.verify([two[0]], 6, 7, verified=False))
    assert verified(store, video, two[0]) == [(5, 6), (7, 12)]
    for _ in range(3):
        edits.undo(store, video["id"], "ann")
    assert store.database["corrections"].count == 0
    with pytest.raises(Invalid, match="nothing to change"):
        do(store, video, verification.verify([two[1]], 0, 5))


def test_the_time_left_follows_from_the_pace(store: Store, video: Row, two: tuple[int, int]) -> None:
    for frame in range(4):
        do(store, video, verification.verify([two[0]], frame, frame + 1))
    assert verification.progress(store.database, video["id"])["seconds_left"] is None
    with store.transaction() as database:  # ten seconds a mask, and lunch before the last one
        for number, at in enumerate(("10:00:00", "10:00:10", "10:00:20", "11:30:00"), 1):
            database.execute("update edits set at = ? where id = ?", (f"2026-01-01T{at}Z", number))
    progress = verification.progress(store.database, video["id"])
    assert progress["masks_per_minute"] == pytest.approx(60 * 3 / (10 + 10 + verification.PAUSE))
    assert progress["seconds_left"] == pytest.approx(56 / 3 * (20 + verification.PAUSE))


def test_what_passes_behind_others_is_drawn_without_what_they_show(store: Store, video: Row) -> None:
    made, front = (edits.new_track(store, video["id"], category(store, video, "dog"), 0, "ann").tracks[0] for _ in "ab")
    for frame, x in ((0, 1), (10, 11)):
        edits.set_mask(store, video["id"], made, frame, square(x, 2, 4), 0, "ann")
    edits.set_mask(store, video["id"], front, 5, square(4, 0, 4), 0, "ann")
    do(store, video, shapes.interpolate([made], 0, 10, behind=True))
    after = shown(store, video)[made]
    whole, hidden = (decode({"size": [HEIGHT, WIDTH], "counts": square(*at)}) for at in ((6, 2, 4), (4, 0, 4)))
    left = decode({"size": [HEIGHT, WIDTH], "counts": after[5]})
    assert (left == whole & ~hidden).all() and 0 < left.sum() < whole.sum()
    assert after[4] == square(5, 2, 4), "nothing is in front of it there"


def solid(x: int, y: int, edge: int = 3) -> Any:
    return decode({"size": [HEIGHT, WIDTH], "counts": square(x, y, edge)})


def test_tracks_are_put_behind_the_others_which_stay_as_they_are(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(40), 1: range(40), 8: range(40)})
    back, also, front = ids[0], ids[1], ids[8]
    edits.set_mask(store, video["id"], front, 5, square(6, 1), 1, "ann")  # over a corner of both
    edits.set_mask(store, video["id"], front, 6, square(5, 0, 6), 1, "ann")  # over all of both
    before = shown(store, video)
    applied = do(store, video, shapes.put_behind([back, also], 5, 7))
    after = shown(store, video)
    assert (applied.summary, applied.masks) == (
        f"Put dog {back} and dog {also} behind the others in the frames 5 to 6",
        4,
    )
    for track, y in ((back, 0), (also, 1)):
        left = decode({"size": [HEIGHT, WIDTH], "counts": after[track][5]})
        assert (left == solid(5, y) & ~solid(6, 1)).all() and left.any(), "what the two share stays on both"
        assert 6 not in after[track], "what is wholly hidden has no mask"
        assert {t: m for t, m in after[track].items() if t not in (5, 6)} == {
            t: m for t, m in before[track].items() if t not in (5, 6)
        }
    assert after[front] == before[front] and verified(store, video, front) == [(5, 7)]
    assert store.database.execute("select count(*) from corrections where counts = ''").fetchone()[0] == 0
    edits.undo(store, video["id"], "ann")
    assert shown(store, video) == before
    edits.redo(store, video["id"], "ann")
    assert shown(store, video) == after


def test_behind_leaves_verified_masks_of_a_range_alone_and_minds_only_the_tracks_in_front(
    store: Store, video: Row
) -> None:
    ids = predict(store, video, {0: range(40), 1: range(40), 2: range(40)})
    back, front, other = ids[0], ids[1], ids[2]
    do(store, video, verification.verify([back], 5, 6))
    said = log.preview(store, video["id"], shapes.put_behind([back], 4, 8, front=[front]))
    assert (said.masks, said.spared) == (3, 1)
    do(store, video, shapes.put_behind([back], 4, 8, front=[front]))
    for frame, left in ((4, solid(4, 0) & ~solid(4, 1)), (5, solid(5, 0))):
        assert (decode({"size": [HEIGHT, WIDTH], "counts": shown(store, video)[back][frame]}) == left).all()
    do(store, video, shapes.put_behind([back], 5, 6))
    assert verified(store, video, back) == [(5, 6)], "a person looks at a single one"
    with pytest.raises(Invalid, match="nothing to change"):
        log.preview(store, video["id"], shapes.put_behind([back], 4, 8, front=[front, 99]))
    assert len(shown(store, video)[other]) == 40


def test_a_copy_and_what_is_interpolated_say_over_which_tracks_they_lie(store: Store, video: Row) -> None:
    ids = predict(store, video, {0: range(10), 1: range(8, 20), 5: range(40)})
    back, front = ids[0], ids[1]
    assert do(store, video, shapes.copy([back], 8, 9, 10)).over == (front,)
    assert do(store, video, shapes.copy([back], 3, 25, 26)).over == ()
    done = do(store, video, shapes.interpolate([back], 7, 9))
    assert done.over == (front,)
    assert do(store, video, shapes.interpolate([back], 7, 9, behind=True)).over == ()


def test_between_two_keyframes_masks_are_made_except_where_one_is_verified(store: Store, video: Row) -> None:
    made = edits.new_track(store, video["id"], category(store, video, "dog"), 0, "ann").tracks[0]
    for frame, x in ((0, 1), (10, 11), (5, 0)):
        edits.set_mask(store, video["id"], made, frame, square(x, 2, 4), 0, "ann")
    operation = shapes.interpolate([made], 0, 10)
    said = log.preview(store, video["id"], operation)
    assert (said.masks, said.spared, said.frames) == (8, 1, (1, 9))
    do(store, video, operation)
    after = shown(store, video)[made]
    assert after == {t: square(1 + t, 2, 4) for t in range(11) if t != 5} | {5: square(0, 2, 4)}
    assert view.timeline(store.database, video["id"])[made] == [
        (0, 1, "user"), (1, 5, "interpolated"), (5, 6, "user"), (6, 10, "interpolated"), (10, 11, "user"),
    ]  # fmt: skip
    assert verified(store, video, made) == [(0, 1), (5, 6), (10, 11)]
    do(store, video, shapes.interpolate([made], 0, 10, include_verified=True))
    assert shown(store, video)[made][5] == square(6, 2, 4)
    with pytest.raises(Invalid, match="no mask in frame 20"):
        do(store, video, shapes.interpolate([made], 0, 20))


def test_a_mask_is_copied_to_other_frames(store: Store, video: Row, two: tuple[int, int]) -> None:
    source = shown(store, video)[two[0]][3]
    do(store, video, verification.verify([two[0]], 6, 7))
    applied = do(store, video, shapes.copy([two[0]], 3, 3, 9))
    after = shown(store, video)[two[0]]
    assert [after[t] == source for t in range(3, 10)] == [True, True, True, False, True, True, False]
    assert (applied.masks, applied.spared) == (4, 1)
    assert verified(store, video, two[0]) == [(6, 7)]
    do(store, video, shapes.copy([two[0]], 3, 30, 31))
    assert verified(store, video, two[0]) == [(6, 7), (30, 31)], "a person looks at a single copy"


def test_masks_are_moved_scaled_and_refined_as_one_step_each(store: Store, video: Row, two: tuple[int, int]) -> None:
    before = shown(store, video)
    do(store, video, shapes.transform([two[0]], 2, 5, 2, 1, 1.0))
    after = shown(store, video)
    assert [after[two[0]][t] for t in (2, 3, 4)] == [square(4, 1), square(5, 1), square(6, 1)]
    assert after[two[0]][5] == before[two[0]][5] and after[two[1]] == before[two[1]]
    do(store, video, shapes.refine([two[0]], 2, 4, "grow", 1))
    assert area({"size": [HEIGHT, WIDTH], "counts": shown(store, video)[two[0]][2]}) == 9 + 4 * 3
    do(store, video, shapes.transform([two[0]], 5, 6, 100, 0, 1.0))
    assert 5 not in shown(store, video)[two[0]], "what leaves the picture is gone"
    for _ in range(3):
        edits.undo(store, video["id"], "ann")
    assert shown(store, video) == before


def test_masks_that_were_propagated_take_their_places_but_not_those_of_verified_ones(
    store: Store, video: Row, two: tuple[int, int]
) -> None:
    do(store, video, verification.verify([two[0]], 4, 5))
    before = shown(store, video)
    masks = [Drawn(two[0], frame, square(0, 0, 2), "propagated", False) for frame in (3, 4, 35)]
    applied = do(store, video, shapes.place("propagate", "Propagated dog 1", masks))
    after = shown(store, video)[two[0]]
    assert (applied.masks, applied.spared, applied.frames) == (2, 1, (3, 35))
    assert after == before[two[0]] | {3: square(0, 0, 2), 35: square(0, 0, 2)}
    assert (35, 36, "propagated") in view.timeline(store.database, video["id"])[two[0]]


def test_boxes_and_polygons_become_masks(store: Store, video: Row, two: tuple[int, int]) -> None:
    do(store, video, shapes.draw(two[0], 35, 0, box=(2, 3, 5, 6)))
    assert shown(store, video)[two[0]][35] == square(2, 3, 3)
    do(store, video, shapes.draw(two[0], 36, 0, polygons=[[(2, 3), (4, 3), (4, 5), (2, 5)]]))
    assert shown(store, video)[two[0]][36] == square(2, 3, 3)
    with pytest.raises(Invalid, match="no pixel"):
        do(store, video, shapes.draw(two[0], 37, 0, box=(100, 100, 120, 120)))
    with pytest.raises(Conflict):
        do(store, video, shapes.draw(two[0], 36, 0, box=(2, 3, 5, 6)))


def test_a_preview_says_what_the_deed_then_does_and_does_nothing(
    store: Store, video: Row, two: tuple[int, int]
) -> None:
    do(store, video, verification.verify([two[0]], 12, 15))
    rev = library.video(store.database, video["id"])["rev"]
    operations: list[Callable[[], Operation]] = [
        lambda: identity.swap(*two, 10),
        lambda: identity.split([two[0]], 10),
        lambda: identity.move([two[0]], 10, 20, None),
        lambda: tracks.delete([two[0]], 5, None),
        lambda: tracks.delete([two[0]], 5, 20),
        lambda: tracks.change_category([two[0]], category(store, video, "cat"), 10),
        lambda: verification.verify(None),
        lambda: shapes.refine([two[0]], 0, 20, "shrink", 1),
    ]
    for make in operations:
        dump = list(store.database.conn.iterdump())
        said = log.preview(store, video["id"], make())
        assert list(store.database.conn.iterdump()) == dump
        assert said.rev == rev
        done = do(store, video, make())
        assert (said.summary, said.masks, said.spared, said.frames) == (
            done.summary, done.masks, done.spared, done.frames,
        )  # fmt: skip
        assert said.masks == sum(count for _, count in said.tracks) > 0
        _, applied = edits.undo(store, video["id"], "ann")
        assert applied is not None
        rev = library.video(store.database, video["id"])["rev"]
    assert log.preview(store, video["id"], identity.split([two[0]], 10)).verified == 3


def test_each_person_undoes_what_they_did_and_nobody_elses_work(store: Store, video: Row, two: tuple[int, int]) -> None:
    before = shown(store, video)
    do(store, video, tracks.delete([two[0]], 3, 4), "ann")
    do(store, video, tracks.delete([two[1]], 12, 13), "bob")
    assert edits.undo(store, video["id"], "ann")[1] is not None
    assert edits.undo(store, video["id"], "ann")[1] is None
    assert 3 in shown(store, video)[two[0]] and 12 not in shown(store, video)[two[1]]
    assert not edits.log(store.database, video["id"], "bob")["can_redo"]
    assert edits.log(store.database, video["id"], "ann")["can_redo"]
    do(store, video, tracks.delete([two[1]], 20, 21), "bob")
    assert edits.redo(store, video["id"], "ann")[1] is not None, "bob's work discards nothing of ann's"
    for user in ("bob", "ann", "bob"):
        edits.undo(store, video["id"], user)
    assert shown(store, video) == before
    assert store.database["corrections"].count == store.database["track_states"].count == 0


def test_what_somebody_built_upon_cannot_be_pulled_away(store: Store, video: Row, two: tuple[int, int]) -> None:
    cat = category(store, video, "cat")
    do(store, video, identity.swap(*two, 20), "ann")
    do(store, video, tracks.delete([two[0]], 25, 26), "bob")
    with pytest.raises(Conflict, match="changed since"):
        edits.undo(store, video["id"], "ann")
    edits.undo(store, video["id"], "bob")
    edits.undo(store, video["id"], "ann")
    with pytest.raises(Conflict, match="changed since"):
        edits.redo(store, video["id"], "bob")
    do(store, video, tracks.change_category([two[0]], cat), "ann")
    do(store, video, tracks.delete([two[0]], 3, 4), "bob")
    assert edits.undo(store, video["id"], "ann")[1] is not None, "a category and a mask are two things"
    made = do(store, video, tracks.new_track(cat, 0), "ann").made[0]
    edits.set_mask(store, video["id"], made, 0, square(0, 0), 0, "bob")
    with pytest.raises(Conflict, match="changed since"):
        edits.undo(store, video["id"], "ann")


def test_going_back_is_one_step_that_can_be_taken_back(store: Store, video: Row, two: tuple[int, int]) -> None:
    states, numbers = [shown(store, video)], [0]
    for operation, user in (
        (tracks.delete([two[0]], 3, 6), "ann"),
        (identity.swap(*two, 15), "bob"),
        (identity.split([two[1]], 20), "ann"),
        (tracks.delete([two[0]], None, None), "bob"),
    ):
        numbers.append(do(store, video, operation, user).edit)
        states.append(shown(store, video))
    edits.undo(store, video["id"], "bob")
    for number, state in zip(numbers, states, strict=True):
        before = shown(store, video)
        if before == state:
            continue
        do(store, video, history.go_back(number), "eve")
        assert shown(store, video) == state
        edits.undo(store, video["id"], "eve")
        assert shown(store, video) == before
    do(store, video, history.go_back(0), "eve")
    assert not edits.log(store.database, video["id"], "ann")["can_undo"]
    assert store.database["corrections"].count == 0
    with pytest.raises(Invalid, match="Nothing was changed since"):
        do(store, video, history.go_back(edits.log(store.database, video["id"])["edits"][-1]["id"]), "ann")
    with pytest.raises(NotFound, match="no entry 999"):
        do(store, video, history.go_back(999))


def test_a_request_that_arrives_twice_is_done_once(store: Store, video: Row, two: tuple[int, int]) -> None:
    swap = identity.swap(*two, 20)
    first = log.perform(store, video["id"], "ann", swap, request="a")
    after = shown(store, video)
    assert log.perform(store, video["id"], "ann", swap, request="a") == first
    assert shown(store, video) == after and len(edits.log(store.database, video["id"])["edits"]) == 1
    undone = log.undo(store, video["id"], "ann", request="b")
    assert log.undo(store, video["id"], "ann", request="b") == undone
    assert log.redo(store, video["id"], "ann", request="c")[1] is not None
    assert shown(store, video) == after


def test_nobody_goes_over_a_change_that_they_have_not_seen(store: Store, video: Row, two: tuple[int, int]) -> None:
    seen = library.video(store.database, video["id"])["rev"]
    do(store, video, tracks.delete([two[0]], 12, 15), "bob")
    elsewhere = tracks.delete([two[0]], 20, 22)
    log.perform(store, video["id"], "ann", elsewhere, seen=seen)
    with pytest.raises(Conflict, match=r"changed meanwhile: Deleted dog .* \(bob\)") as conflict:
        log.perform(store, video["id"], "ann", identity.swap(*two, 5, 14), seen=seen)
    assert isinstance(conflict.value.current, dict)
    assert [entry["user"] for entry in conflict.value.current["edits"]] == ["bob"]


def test_what_concerns_all_tracks_minds_not_how_many_a_long_video_has(store: Store, video: Row) -> None:
    many = 1500
    predict(store, video, {k: [k % 40] for k in range(many)}, scores={k: 0.9 if k % 3 else 0.6 for k in range(many)})
    before = shown(store, video)
    assert len(before) == many
    assert do(store, video, verification.verify(None, None, None, True)).masks == many
    edits.undo(store, video["id"], "ann")
    assert len(do(store, video, tracks.delete_below(None, 0.7, True, False)).tracks) == many // 3
    assert len(shown(store, video)) == many - many // 3
    edits.undo(store, video["id"], "ann")
    assert shown(store, video) == before


def test_who_is_who_waits_until_the_model_is_done(store: Store, video: Row) -> None:
    dog = category(store, video, "dog")
    run = runs.add_run(store.database, video["id"], "demo", {"score_threshold": 0.5})
    seen = [runs.Prediction(k, frame, square(k, k), 0.9) for frame in range(4) for k in (0, 1)]
    with store.transaction() as database:
        runs.commit_window(database, run["id"], 4, seen, {k: runs.TrackEstimate(dog, 0.9) for k in (0, 1)}, b"")
    first, second = shown(store, video)
    with pytest.raises(Conflict, match="still running"):
        do(store, video, identity.swap(first, second, 2))
    do(store, video, tracks.delete([first], 2, 3))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda a, b: identity.swap(a, a, 3), "Two different tracks"),
        (lambda a, b: identity.merge(a, [a]), "at least two tracks"),
        (lambda a, b: tracks.delete([], 1, 2), "at least one track"),
        (lambda a, b: tracks.delete([a], 5, 5), "must not come after"),
        (lambda a, b: tracks.delete([a], 0, 41), "Frame 40 does not exist"),
        (lambda a, b: tracks.delete([99], 0, 1), "no track 99"),
        (lambda a, b: shapes.interpolate([a], 3, 4), "no frame between"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    store: Store, video: Row, two: tuple[int, int], make: Any, sentence: str
) -> None:
    with pytest.raises((Invalid, NotFound), match=sentence):
        do(store, video, make(*two))
    assert edits.log(store.database, video["id"])["edits"] == []
