"""The track list and playback: search, order, filters, many rows, locks; frames by the clock, loops, varying rates."""

from typing import Any

import pytest

from tests.browser.annotator import Annotator
from tests.browser.test_review_timeline import call

STATE = """
  const numbers = { dog: 1, cat: 2 };
  const track = (id, category, score, first, count) => ({ id, category, category_id: numbers[category], score, first, count });
  const state = {
    frame: 12,
    tracks: [track(1, "dog", 0.9, 0, 20), track(2, "cat", 0.3, 10, 5), track(12, "dog", null, 5, 10), track(4, "cat", 0.6, 30, 8)],
    timeline: {
      1: [[0, 20, "model"]], 2: [[10, 15, "model"]], 12: [[5, 12, "model"], [12, 15, "user"]], 4: [[30, 38, "model"]],
    },
    verified: { 1: [[0, 20]], 12: [[12, 15]] },
    suggestions: [
      { track: 4, other: 2, severity: 0.4, state: "open" }, { track: 2, other: null, severity: 0.8, state: "open" },
      { track: 1, other: null, severity: 1, state: "resolved" },
    ],
  };
  const list = (change) => choice.listTracks(state, { ...choice.NO_CHOICE, ...change });
"""


def test_a_search_finds_numbers_and_parts_of_categories(modules: Any) -> None:
    body = STATE + "return ['', '1', '#12', 'do', 'CAT 2', 'horse'].map((search) => list({ search }))"
    assert call(modules, "tracks/choice", body) == [[1, 2, 4, 12], [1], [12], [1, 12], [2], []]


FILTERS = [
    ({"category": 2}, [2, 4]),
    ({"least": 0.5}, [1, 4]),
    ({"most": 0.5}, [2]),
    ({"shortest": 8, "longest": 10}, [4, 12]),
    ({"here": True}, [1, 2, 12]),
    ({"state": "verified"}, [1]),
    ({"state": "partly"}, [12]),
    ({"state": "untouched"}, [2, 4]),
    ({"state": "suspicious"}, [2, 4]),
    ({"category": 2, "here": True}, [2]),
]


@pytest.mark.parametrize(("change", "ids"), FILTERS)
def test_filters_let_through_what_they_say(modules: Any, change: dict[str, Any], ids: list[int]) -> None:
    assert call(modules, "tracks/choice", STATE + "return list(input)", change) == ids


ORDERS = [
    ("id", [1, 2, 4, 12]),
    ("category", [2, 4, 1, 12]),
    ("score", [2, 4, 1, 12]),
    ("length", [2, 4, 12, 1]),
    ("first", [1, 12, 2, 4]),
    ("state", [2, 4, 12, 1]),
]


@pytest.mark.parametrize(("sort", "ids"), ORDERS)
def test_the_order_is_that_of_the_value_with_the_worst_state_first(modules: Any, sort: str, ids: list[int]) -> None:
    assert call(modules, "tracks/choice", STATE + "return list({ sort: input })", sort) == ids


def test_the_order_can_be_turned_round(modules: Any) -> None:
    assert call(modules, "tracks/choice", STATE + "return list({ sort: 'first', reverse: true })") == [4, 2, 12, 1]


def playlist(body: str) -> str:
    """A playlist of the frames 5..9 and 20..21; frame 7 stays for half a second, all others for 40 ms."""
    return (
        """
      const shown = (frame) => frame * 0.04 + (frame > 7 ? 0.46 : 0);
      const list = new playlist.Playlist([[5, 10], [20, 22]], shown);
    """
        + body
    )


def test_frames_are_due_when_their_own_time_has_come(modules: Any) -> None:
    body = playlist(
        "return [0, 0.039, 0.04, 0.08, 0.57, 0.58, 0.66, 0.70, 0.73, 0.74].map((at) => list.frameAt(list.placeAt(at)))"
    )
    assert call(modules, "playback/playlist", body) == [5, 5, 6, 7, 7, 8, 20, 21, 21, 5]


def test_every_place_of_a_playlist_is_due_at_its_own_seconds(modules: Any) -> None:
    body = playlist("return [...Array(21).keys()].filter((place) => list.placeAt(list.secondsTo(place)) !== place)")
    assert call(modules, "playback/playlist", body) == []


def test_a_frame_between_the_stretches_starts_with_the_next_one(modules: Any) -> None:
    body = playlist("return [3, 6, 12, 21, 30].map((frame) => list.frameAt(list.placeOf(frame)))")
    assert call(modules, "playback/playlist", body) == [5, 6, 20, 21, 5]


def test_what_is_played_follows_loop_range_and_presence(modules: Any) -> None:
    body = """
      const state = { video: { length: 100 }, loop: false, span: { start: 10, stop: 30 }, presentOnly: false, selected: 1,
        timeline: { 1: [[0, 5, "model"], [5, 12, "user"], [20, 25, "model"]] } };
      const of = (change) => playlist.segmentsToPlay({ ...state, ...change });
      return [of({}), of({ loop: true }), of({ presentOnly: true }), of({ loop: true, presentOnly: true }),
              of({ presentOnly: true, selected: null }), of({ presentOnly: true, selected: 9 })];
    """
    assert call(modules, "playback/playlist", body) == [
        [[0, 100]],
        [[10, 30]],
        [[0, 12], [20, 25]],
        [[10, 12], [20, 25]],
        [[0, 100]],
        [[0, 100]],
    ]


def ids(annotator: Annotator) -> list[int]:
    rows = annotator.page.locator(".ct-track")
    return [int(rows.nth(i).get_attribute("data-track")) for i in range(rows.count())]


def test_search_and_order_hold_for_list_keys_and_timeline(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.get_by_label("Order of the tracks").select_option("score")
    assert ids(annotator) == [3, 2, 1]
    assert annotator.press("ArrowDown", "ArrowDown").state("selected") == 2
    annotator.page.get_by_label("Search tracks").fill("dog")
    assert ids(annotator) == [3, 1]
    assert annotator.state("listed") == [3, 1]
    assert annotator.text(".ct-panel-tracks .ct-count") == "2 of 3"


def test_a_filter_that_hides_the_selected_track_says_so(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("ArrowDown")
    annotator.page.get_by_label("Search tracks").fill("person")
    assert "Track 1 is selected, but the filter hides it." in annotator.text(".ct-filtered")
    annotator.page.get_by_role("button", name="Show it").click()
    assert ids(annotator) == [1, 2, 3]
    assert not annotator.page.locator(".ct-filtered").is_visible()


def test_here_in_this_frame_follows_the_frame(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.get_by_label("Filter the tracks").click()
    annotator.page.get_by_label("In this frame").check()
    assert ids(annotator) == [1]
    annotator.page.locator(".ct-stage").click(position={"x": 5, "y": 5})
    annotator.press("Shift+ArrowRight")
    assert ids(annotator) == [1, 2, 3]


def test_of_many_tracks_only_rows_in_sight_exist(studio: Any) -> None:
    annotator, video = studio(objects=1)
    for track in range(2, 301):
        video.tracks[track] = {"category_id": 1, "score": 0.5, "source": "model"}
    video.rev += 1
    annotator.page.evaluate("window.openVideo(1)")
    annotator.page.wait_for_function("window.__studio.state.tracks.length === 300")
    assert annotator.page.locator(".ct-track").count() < 40
    annotator.press("ArrowUp")
    assert annotator.state("selected") == 300
    row = annotator.page.locator(".ct-track.ct-selected")
    row.wait_for()
    assert (row.get_attribute("aria-posinset"), row.get_attribute("aria-setsize")) == ("300", "300")
    assert annotator.press("PageUp").state("selected") == 290


def test_a_locked_track_is_marked_and_can_be_unlocked(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("ArrowDown")
    annotator.page.get_by_label("Lock track 1").click()
    assert annotator.state("locked") == [1]
    annotator.page.get_by_label("Unlock track 1").click()
    assert annotator.state("locked") == []


def test_pictures_come_only_for_rows_in_sight(studio: Any) -> None:
    annotator, video = studio()
    annotator.page.wait_for_function(
        "[...document.querySelectorAll('.ct-track-picture')].filter((picture) => picture.naturalWidth).length === 3"
    )
    assert len([request for request in video.requests if "/thumbnail.jpg" in request]) == 3


def test_a_row_that_a_larger_window_shows_has_its_picture(studio: Any) -> None:
    annotator, _ = studio(objects=12)
    annotator.page.set_viewport_size({"width": 1440, "height": 560})
    annotator.page.wait_for_function("document.querySelectorAll('.ct-track').length === 10")
    annotator.page.set_viewport_size({"width": 1440, "height": 1400})
    annotator.page.wait_for_function(
        """() => {
          const pictures = [...document.querySelectorAll(".ct-track-picture")];
          return pictures.length === 12 && pictures.every(({ naturalWidth }) => naturalWidth);
        }"""
    )


def frames_while(annotator: Annotator, milliseconds: int) -> list[int]:
    """Plays for a while and notes which frames were shown."""
    annotator.page.keyboard.press("Space")
    seen = annotator.page.evaluate(
        """(time) => new Promise((resolve) => {
      const seen = [], end = performance.now() + time;
      const look = () => {
        const { frame } = window.__studio;
        if (seen.at(-1) !== frame) seen.push(frame);
        if (performance.now() < end) requestAnimationFrame(look);
        else resolve(seen);
      };
      look();
    })""",
        milliseconds,
    )
    annotator.page.keyboard.press("Space")
    annotator.idle()
    return seen


def test_double_speed_covers_twice_the_frames(studio: Any) -> None:
    annotator, _ = studio(length=400)
    annotator.press(">")
    assert annotator.state("speed") == 2
    annotator.page.keyboard.press("Space")
    annotator.page.wait_for_function("window.__studio.frame > 5")
    now = "[performance.now(), window.__studio.frame]"
    start, first = annotator.page.evaluate(now)
    annotator.page.wait_for_timeout(3000)  # what is shown may lag the clock by a third of a second on a busy machine
    end, last = annotator.page.evaluate(now)
    annotator.press("Space")
    assert (last - first) / (end - start) == pytest.approx(2 * 25 / 1000, rel=0.25)


def test_a_loop_stays_within_the_range(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("Shift+ArrowRight", "i", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "o", "Alt+L")
    seen = frames_while(annotator, 3000)  # fifteen times around; a busy machine shows fewer
    assert set(seen) == {10, 11, 12, 13, 14}
    assert seen.count(10) >= 3


def test_playing_only_where_the_track_is_skips_its_absence(studio: Any) -> None:
    annotator, video = studio(length=40)
    for frame in range(8, 30):
        del video.masks[2, frame]
    video.rev += 1
    annotator.page.evaluate("window.openVideo(1)")
    annotator.page.wait_for_function("window.__studio.state.timeline[2].length === 2")
    annotator.press("ArrowDown", "ArrowDown", "Alt+P")
    seen = frames_while(annotator, 900)
    assert not [frame for frame in seen if frame > 0 and (frame < 5 or 8 <= frame < 30)]
    assert {5, 6, 7} & set(seen) and max(seen) >= 30, "a busy machine drops frames, but plays both parts"


def test_a_frame_that_lasts_long_in_the_source_lasts_long_on_the_screen(studio: Any) -> None:
    times = [frame * 0.04 + (30 if frame > 5 else 0) for frame in range(96)]
    annotator, _ = studio(times=times)
    annotator.page.wait_for_function("window.__studio.state.times")
    annotator.press("Space")
    annotator.page.wait_for_function("window.__studio.frame === 5")
    annotator.page.wait_for_timeout(300)  # several times as long as any other frame lasts
    annotator.press("Space")
    assert annotator.page.evaluate("window.__studio.frame") == 5
    assert annotator.page.evaluate("document.querySelector('.ct-time').textContent") == "0:00.20"
    annotator.press("ArrowRight")
    assert annotator.page.evaluate("document.querySelector('.ct-time').textContent") == "0:30.24"
