"""The review stage's small modules on their own: zoom, keys, caches, the order of saving, the latest wish."""

from typing import Any

import pytest


def call(modules: Any, names: str, body: str, argument: Any = None) -> Any:
    """Run a function body with the named modules imported (file name without .js) and `input` set."""
    imports = "".join(f"const {name} = await import('/static/review/{name}.js');" for name in names.split())
    return modules.evaluate(f"async (input) => {{ {imports} {body} }}", argument)


def test_zooming_keeps_the_point_under_the_pointer(modules: Any) -> None:
    body = """
      const view = { scale: 0.7, x: 31, y: -12 }, at = { x: 200, y: 90 };
      const before = viewport.toSource(view, at), after = viewport.toSource(viewport.zoomAt(view, at, 2.3), at);
      return [before.x - after.x, before.y - after.y];
    """
    assert call(modules, "viewport", body) == pytest.approx([0, 0], abs=1e-9)


def test_a_fitted_picture_is_whole_and_centred(modules: Any) -> None:
    body = "return viewport.fitView({ width: 640, height: 360 }, { width: 1000, height: 1000 })"
    view = call(modules, "viewport", body)
    assert view["scale"] == pytest.approx((1000 - 32) / 640)
    assert view["x"] == pytest.approx(16)
    assert view["y"] == pytest.approx((1000 - 360 * view["scale"]) / 2)


def test_the_picture_cannot_be_dragged_out_of_sight(modules: Any) -> None:
    body = """
      const far = viewport.panBy({ scale: 2, x: 0, y: 0 }, 1e6, -1e6);
      return viewport.keepVisible(far, { width: 100, height: 100 }, { width: 500, height: 400 });
    """
    assert call(modules, "viewport", body) == {"scale": 2, "x": 500 - 48, "y": 48 - 200}


def test_the_cache_forgets_what_was_used_longest_ago_but_not_the_frame_on_show(modules: Any) -> None:
    body = """
      const gone = [], cache = new lru.LruMap({ limit: 3, dispose: (value) => gone.push(value) });
      for (const key of ["a", "b", "c"]) cache.set(key, key);
      cache.pin("a");
      cache.get("b");
      cache.set("d", "d");
      cache.set("e", "e");
      return { gone, kept: [...cache.values()] };
    """
    answer = call(modules, "lru", body)
    assert answer["gone"] == ["c", "b"]
    assert sorted(answer["kept"]) == ["a", "d", "e"]


KEYS = [
    ({"key": "b", "code": "KeyB"}, "B"),
    ({"key": "Z", "code": "KeyZ", "ctrlKey": True, "shiftKey": True}, "Ctrl+Shift+Z"),
    ({"key": "z", "code": "KeyZ", "metaKey": True}, "Ctrl+Z"),
    ({"key": "?", "code": "Slash", "shiftKey": True}, "?"),
    ({"key": "Delete", "shiftKey": True}, "Shift+Delete"),
    ({"key": "и", "code": "KeyB"}, "B"),
]


@pytest.mark.parametrize(("event", "name"), KEYS)
def test_keys_have_one_name_whatever_the_layout(modules: Any, event: dict[str, Any], name: str) -> None:
    assert call(modules, "keys", "return keys.keyName(new KeyboardEvent('keydown', input))", event) == name


def test_the_help_sheet_prints_the_plus_key(modules: Any) -> None:
    body = "return [keys.keyCaps('+'), keys.keyCaps('Ctrl++'), keys.keyCaps('Ctrl+Shift+Z')]"
    assert call(modules, "keys", body) == [["+"], ["Ctrl", "+"], ["Ctrl", "Shift", "Z"]]


QUEUE = """
  const states = store.createStore({ saving: {} });
  const queue = new save_queue.SaveQueue(states);
  const log = [];
  const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
"""


def test_saves_run_one_after_the_other_in_their_order(modules: Any) -> None:
    body = (
        QUEUE
        + """
      let running = 0, most = 0;
      for (const [name, ms] of [["a", 30], ["b", 1], ["c", 10]]) {
        queue.push({ run: async () => { most = Math.max(most, ++running); await later(ms); running--; log.push(name); } });
      }
      await queue.idle();
      return { log, most, state: states.state.saving.state };
    """
    )
    assert call(modules, "store save_queue", body) == {"log": ["a", "b", "c"], "most": 1, "state": "saved"}


def test_a_failed_save_is_kept_and_goes_first_on_retry(modules: Any) -> None:
    body = (
        QUEUE
        + """
      let broken = true;
      queue.push({ run: async () => { if (broken) throw new api.ApiError(503, "The disk is full."); log.push("a"); } });
      await later(5);
      queue.push({ run: async () => log.push("b") });
      const failed = { ...states.state.saving };
      broken = false;
      queue.retry();
      await queue.idle();
      return { failed, log, state: states.state.saving.state };
    """
    )
    answer = call(modules, "store save_queue api", body)
    assert answer["failed"] == {"state": "failed", "pending": 2, "message": "The disk is full.", "waiting": []}
    assert (answer["log"], answer["state"]) == (["a", "b"], "saved")


def test_a_refused_save_is_told_and_does_not_stop_the_next(modules: Any) -> None:
    body = (
        QUEUE
        + """
      queue.push({ run: async () => { throw new api.ApiError(409, "changed"); }, rejected: (error) => log.push(error.status) });
      queue.push({ run: async () => log.push("b") });
      await queue.idle();
      return log;
    """
    )
    assert call(modules, "store save_queue api", body) == [409, "b"]


def test_what_must_not_be_done_twice_is_not_tried_again(modules: Any) -> None:
    body = (
        QUEUE
        + """
      const run = async () => { throw new api.ApiError(0, "no answer"); };
      queue.push({ run, once: true, rejected: (error) => log.push(error.message) });
      await queue.idle();
      return [log, states.state.saving.state];
    """
    )
    assert call(modules, "store save_queue api", body) == [["no answer"], "saved"]


def test_the_latest_wish_wins_and_no_step_is_lost(modules: Any) -> None:
    body = """
      const states = store.createStore({ video: { id: 1, length: 100 }, want: 0, frame: -1, direction: 1 });
      const shown = [];
      const moves = new navigator.Navigator(states, {
        load: (frame) => new Promise((resolve) => setTimeout(() => resolve(frame), 5)),
        show: (frame, content) => shown.push([frame, content]),
        failed: (error) => { throw error; },
      });
      for (let i = 0; i < 60; i++) moves.step(1);
      await moves.idle();
      moves.go(1e9);
      moves.step(-1000);
      await moves.idle();
      return { shown, want: states.state.want };
    """
    answer = call(modules, "store navigator", body)
    assert all(frame == content for frame, content in answer["shown"])
    frames = [frame for frame, _ in answer["shown"]]
    assert 60 in frames and len(frames) < 10
    assert frames[-1] == answer["want"] == 0


def mask_cache(body: str) -> str:
    """A mask cache over a server that counts requests and holds one mask of track 1 in every frame."""
    return (
        """
      let rev = 1, requests = 0;
      const counts = rle.encodeCounts([2, 3, 5]);
      const masks = new mask_cache.MaskCache(async (start, n) => {
        requests++;
        return { rev, start, frames: Array.from({ length: n }, () => [{ track: 1, size: [5, 2], counts, rev }]) };
      }, 100);
    """
        + body
    )


def test_masks_are_asked_for_once_per_32_frames(modules: Any) -> None:
    body = mask_cache("""
      await Promise.all([masks.at(0), masks.at(5), masks.at(31)]);
      const first = requests;
      await masks.at(32);
      return { first, requests, runs: [...masks.peek(5)[0].runs] };
    """)
    assert call(modules, "rle mask_cache", body) == {"first": 1, "requests": 2, "runs": [2, 3, 5]}


def test_an_unsaved_stroke_lies_over_the_saved_mask_until_it_is_saved(modules: Any) -> None:
    body = mask_cache("""
      await masks.at(3);
      const drawn = { frame: 3, track: 1, runs: Uint32Array.from([0, 10]), rev: 0 };
      const unsaved = masks.overlay(3, 1, drawn);
      const base = unsaved.rev;
      masks.invalidate();
      await masks.at(3);
      const during = masks.find(3, 1) === drawn;
      masks.settle(unsaved, drawn, 7);
      return { base, during, after: masks.find(3, 1).rev };
    """)
    assert call(modules, "rle mask_cache", body) == {"base": 1, "during": True, "after": 7}


def test_two_strokes_build_on_each_other_and_a_refusal_drops_both(modules: Any) -> None:
    body = mask_cache("""
      await masks.at(3);
      const entry = (runs) => ({ frame: 3, track: 1, runs: Uint32Array.from(runs), rev: 0 });
      const one = masks.overlay(3, 1, entry([0, 10])), two = masks.overlay(3, 1, entry([1, 9]));
      masks.reject(one);
      await masks.at(3);
      return { same: one === two, dropped: two.dropped, shown: [...masks.find(3, 1).runs] };
    """)
    assert call(modules, "rle mask_cache", body) == {"same": True, "dropped": True, "shown": [2, 3, 5]}


def test_a_mask_that_did_not_change_keeps_its_drawn_picture(modules: Any) -> None:
    body = mask_cache("""
      const before = (await masks.at(3))[0];
      masks.invalidate();
      const same = (await masks.at(3))[0] === before;
      rev = 2;
      masks.invalidate();
      return { same, changed: (await masks.at(3))[0] !== before, requests };
    """)
    assert call(modules, "rle mask_cache", body) == {"same": True, "changed": True, "requests": 3}


def test_an_invalidation_during_a_request_asks_again(modules: Any) -> None:
    body = mask_cache("""
      const pending = masks.at(3);
      rev = 5;
      masks.invalidate(3, 3);
      return { rev: (await pending)[0].rev, ready: masks.ready(3), requests };
    """)
    assert call(modules, "rle mask_cache", body) == {"rev": 5, "ready": True, "requests": 2}


def test_a_frame_is_asked_for_no_larger_than_it_is_shown(modules: Any) -> None:
    body = "return [300, 360, 700, 1000, 5000].map((shown) => frame_cache.pictureHeight(shown, 1080))"
    assert call(modules, "frame_cache", body) == [720, 720, 720, None, None]


def test_ages_are_told_in_words(modules: Any) -> None:
    body = """
      const then = "2026-01-05T10:00:00Z";
      return [5, 100, 7300].map((age) => history.sinceText(then, Date.parse(then) + age * 1000));
    """
    assert call(modules, "history", body) == ["just now", "2 min ago", "2 h ago"]


@pytest.mark.parametrize(
    ("first", "second", "frames"),
    [
        ([[0, 20]], [[25, 60]], [19, 25]),
        ([[25, 60]], [[0, 20]], [25, 19]),
        ([[0, 10], [40, 60]], [[15, 38]], [40, 37]),
        ([[0, 30]], [[20, 60]], [20, 20]),
        ([[0, 30]], [], None),
    ],
)
def test_two_tracks_are_shown_where_they_come_nearest_in_time(
    modules: Any, first: Any, second: Any, frames: Any
) -> None:
    body = "const { meeting } = await import('/static/review/queue/meeting.js'); return meeting(...input)"
    assert call(modules, "", body, [first, second]) == frames
