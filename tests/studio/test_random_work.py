"""A long day's work: hundreds of operations of every kind, undone entirely and done again, bit for bit and across restarts."""

import random
from pathlib import Path
from typing import Any

import pytest

from studio.review import edits, history, identity, log, shapes, tracks, verification, view
from studio.review.plan import Operation
from studio.store import Row, Store, library
from studio.store.errors import Conflict, Invalid, NotFound
from tests.studio.library import LENGTH, new_store, new_video, predict, square

OPERATIONS = 300


def everything(store: Store, video: Row) -> tuple[Any, ...]:
    """All that an undo has to restore: what is shown and what lies behind it."""
    shown = [tuple(mask.values()) for mask in view.masks(store.database, video["id"], 0, video["length"])]
    found = [tuple(track.values()) for track in view.tracks(store.database, video["id"])]
    columns = "track_id, frame, counts, origin, source, verified, rev"
    cells = store.database.execute(f"select {columns} from corrections order by 1, 2").fetchall()
    states = store.database.execute("select * from track_states where not deleted order by track_id").fetchall()
    spans = view.timeline(store.database, video["id"]), view.verified_spans(store.database, video["id"])
    return shown, found, cells, states, spans


class Worker:
    """A person who does any operation that there is, at random."""

    def __init__(self, choose: random.Random, store: Store, video: Row) -> None:
        self.choose, self.store, self.video = choose, store, video
        self.categories = [row["id"] for row in library.categories(store.database, video["project_id"])]

    def operation(self) -> Operation:
        """Any operation; it may turn out that it cannot be done."""
        choose, category = self.choose, self.choose.choice(self.categories)
        ids = [track["id"] for track in view.tracks(self.store.database, self.video["id"])]
        if len(ids) < 3:
            return tracks.new_track(category, 0)
        one, other = choose.sample(ids, 2)
        some = choose.sample(ids, choose.randrange(1, 4))
        start = choose.randrange(LENGTH - 1)
        stop = choose.choice([None, start + 1, choose.randrange(start + 1, LENGTH + 1)])
        rule: identity.OverlapRule = choose.choice(["refuse", "first", "larger", "union"])
        seen = view.mask(self.store.database, self.video["id"], one, start)
        rev, counts = seen["rev"] if seen else 0, square(choose.randrange(9), choose.randrange(9))
        tool: shapes.Tool = choose.choice(list(shapes.TOOLS))
        return choose.choice(
            [
                lambda: shapes.set_mask(one, start, counts, rev),
                lambda: shapes.set_mask(one, start, None, rev),
                lambda: shapes.draw(one, start, rev, box=(1, 2, 6, 7)),
                lambda: identity.swap(one, other, start, stop),
                lambda: identity.split(some, start),
                lambda: identity.merge(one, [other], rule) if choose.random() < 0.3 else tracks.new_track(category, 3),
                lambda: identity.move(some, start, stop, choose.choice([None, one]), rule),
                lambda: tracks.delete(some, start, stop),
                lambda: (
                    tracks.delete([one], None, None) if choose.random() < 0.2 else tracks.delete([one], start, stop)
                ),
                lambda: tracks.delete_below(some, 0.6) if choose.random() < 0.1 else tracks.new_track(category, start),
                lambda: tracks.change_category(some, category),
                lambda: tracks.change_category(some, category, start, stop),
                lambda: verification.verify(some, start, stop, verified=choose.random() < 0.7),
                lambda: shapes.interpolate([one], start, min(start + 6, LENGTH - 1)),
                lambda: shapes.copy(some, start, start, min(start + 5, LENGTH)),
                lambda: shapes.transform(some, start, stop, choose.uniform(-3, 3), 1, choose.uniform(0.7, 1.4)),
                lambda: shapes.refine(some, start, start + 1, tool, 1),
                lambda: shapes.put_behind(some, start, stop, choose.choice([None, [other]])),
            ]
        )()  # type: ignore[no-untyped-call]

    def work(self, user: str) -> bool:
        """One operation; False if it could not be done."""
        try:
            log.perform(self.store, self.video["id"], user, self.operation())
        except (Conflict, Invalid, NotFound):
            return False
        return True


@pytest.mark.timeout(900)  # nine hundred commits that reach the disk
def test_a_long_days_work_is_undone_to_the_predictions_and_done_again(tmp_path: Path) -> None:
    choose = random.Random(11)
    store = new_store(tmp_path)
    video = new_video(store)
    predict(store, video, {k: range(k, LENGTH - 2 * k) for k in range(6)}, scores={5: 0.1})
    worker = Worker(choose, store, video)
    predicted = everything(store, video)
    states = [predicted]
    while len(states) <= OPERATIONS:
        if worker.work("ann"):
            states.append(everything(store, video))
    done = {entry["op"] for entry in edits.log(store.database, video["id"])["edits"]}
    assert len(done) >= 14, f"every kind of operation takes part, here only {done}"
    for step in range(OPERATIONS, 0, -1):
        if step % 60 == 0:
            store.close()
            store = Store(store.path)
            assert everything(store, video) == states[step]
        assert edits.undo(store, video["id"], "ann")[1] is not None
        if step % 7 == 0:
            assert everything(store, video) == states[step - 1]
    assert edits.undo(store, video["id"], "ann")[1] is None
    assert everything(store, video) == predicted
    assert store.database["corrections"].count == 0
    for step in range(1, OPERATIONS + 1):
        assert edits.redo(store, video["id"], "ann")[1] is not None
        if step % 11 == 0:
            assert everything(store, video) == states[step]
    assert everything(store, video) == states[-1]


def test_two_people_step_back_and_forth_and_history_still_knows_every_state(tmp_path: Path) -> None:
    choose = random.Random(4)
    store = new_store(tmp_path)
    video = new_video(store)
    predict(store, video, {k: range(k, LENGTH - 2 * k) for k in range(5)})
    worker = Worker(choose, store, video)
    states = {0: everything(store, video)}
    for _ in range(80):
        user, kind = choose.choice(["ann", "bob"]), choose.random()
        if kind < 0.6:
            worker.work(user)
        elif kind < 0.95:
            try:
                (edits.undo if kind < 0.8 else edits.redo)(store, video["id"], user)
            except Conflict:
                continue
        else:
            log.perform(store, video["id"], user, history.go_back(choose.choice(list(states)[:-1] or [0])))
        latest = store.database.execute("select max(id) from edits where state is not null").fetchone()[0]
        if latest and latest not in states:
            states[latest] = everything(store, video)
    assert len(states) > 30
    for number in choose.sample(list(states), 12):
        now = everything(store, video)
        try:
            log.perform(store, video["id"], "eve", history.go_back(number))
        except Invalid:
            continue  # everything is so already
        assert everything(store, video)[:3] == states[number][:3]
        edits.undo(store, video["id"], "eve")
        assert everything(store, video) == now
