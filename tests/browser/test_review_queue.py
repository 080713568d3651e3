"""The queue of suspicious moments on the real server and database: walked through and settled with keys alone."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.review import log, suggestions, verification
from tests.browser.annotator import Annotator
from tests.browser.bare_stage import open_stage
from tests.browser.planted import LENGTH, Library, steady


@pytest.fixture
def review(address: str, new_page: Callable[..., Any]) -> Callable[[int], Annotator]:
    def start(video: int) -> Annotator:
        annotator = Annotator(new_page(), address)
        open_stage(annotator.page, address, video)
        annotator.page.wait_for_function("window.__studio.state.suggestions.length > 0")
        return annotator.idle()

    return start


def swapped() -> list[dict[int, tuple[int, int, int]]]:
    first, second = steady(range(LENGTH)), steady(range(LENGTH), y=130)
    for t in range(25, LENGTH):
        first[t], second[t] = second[t], first[t]
    return [first, second]


def with_gaps(*gaps: int) -> dict[int, tuple[int, int, int]]:
    return {t: box for t, box in steady(range(LENGTH), x=150, y=20).items() if t not in gaps}


def states(library: Library, video: int) -> list[tuple[str, int, str]]:
    queue = suggestions.queue(library.store, video)["suggestions"]
    return [(s["kind"], s["frame"], s["state"]) for s in queue]


def wait_until(annotator: Annotator, condition: str) -> None:
    annotator.page.wait_for_function(f"(({{ suggestions, suggestion }}) => {condition})(window.__studio.state)")
    annotator.idle()


def test_keys_go_to_the_worst_moment_first_and_back(library: Library, review: Callable[[int], Annotator]) -> None:
    video, (a, b, c) = library.video([*swapped(), with_gaps(10, 50)])
    annotator = review(video)
    annotator.press("j")
    assert (annotator.state("frame"), annotator.state("selection")) == (25, [a, b])
    assert f"dog {a} and dog {b} seem to change places in frame 25" in annotator.text(".ct-moment.ct-selected")
    annotator.press("j")
    assert (annotator.state("frame"), annotator.state("selection")) == (10, [c])
    annotator.press("j", "j")
    assert annotator.state("frame") == 50 and "last moment" in annotator.text(".ct-toasts")
    annotator.press("Shift+J", "Shift+J")
    assert annotator.state("frame") == 25


def test_a_remedy_mends_what_it_is_offered_for_and_undo_brings_the_moment_back(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, _ = library.video([*swapped(), with_gaps(50)])
    before = library.all_masks(video)
    annotator = review(video)
    annotator.press("j", "Control+Enter")
    wait_until(annotator, "suggestions.length === 1")
    assert annotator.state("frame") == 50, "it went on to the next one"
    assert states(library, video) == [("flicker", 50, "open")]
    straight = [steady(range(LENGTH))[60], steady(range(LENGTH), y=130)[60]]
    shown = [
        library.mask(video, track, 60)
        for track in annotator.page.evaluate("window.__studio.state.tracks.map((t) => t.id)")[:2]
    ]
    assert [(int(m.nonzero()[1].min()), int(m.nonzero()[0].min()), 30) for m in shown if m is not None] == straight
    annotator.press("Control+z")
    wait_until(annotator, "suggestions.length === 2")
    assert library.all_masks(video) == before
    assert states(library, video) == [("switch", 25, "open"), ("flicker", 50, "open")]


def test_the_card_shows_the_frame_before_and_the_frame_of_the_moment_and_goes_there(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, _ = library.video(swapped())
    annotator = review(video)
    assert not annotator.page.locator(".ct-moment-side").first.is_visible(), (
        "nothing of a moment that nobody has opened"
    )
    annotator.press("Control+Enter")
    assert annotator.state("frame") == 25, "where none was open, the worst one is"
    assert library.all_masks(video) and annotator.page.locator(".ct-moment.ct-selected").count() == 1
    annotator.page.locator(".ct-moment-side canvas").nth(1).wait_for()
    assert [text.strip() for text in annotator.page.locator(".ct-moment-side").all_inner_texts()] == [
        "frame 24",
        "frame 25",
    ]
    before, then = annotator.page.evaluate(
        "[...document.querySelectorAll('.ct-moment-side canvas')].map((canvas) => canvas.toDataURL())"
    )
    assert before != then
    annotator.page.locator(".ct-moment-side").first.click()
    annotator.idle()
    assert annotator.state("frame") == 24


def test_moments_are_resolved_ignored_and_opened_again(library: Library, review: Callable[[int], Annotator]) -> None:
    video, _ = library.video([with_gaps(10, 50)])
    annotator = review(video)
    assert annotator.text('[data-tab="queue"] .ct-count') == "2"
    annotator.press("j", "Enter")
    assert annotator.state("frame") == 50
    annotator.press("Shift+Enter")
    assert states(library, video) == [("flicker", 10, "resolved"), ("flicker", 50, "ignored")]
    assert "All suspicious moments are settled" in annotator.text("section[aria-label=Queue]")
    annotator.page.locator("section[aria-label=Queue]").get_by_label("State").select_option("all")
    annotator.page.locator(".ct-moment-main").first.click()
    annotator.press("Enter")
    assert states(library, video) == [("flicker", 10, "open"), ("flicker", 50, "ignored")]
    annotator.page.reload()
    annotator.page.wait_for_function("window.__studio && window.__studio.state.suggestions.length === 2")
    assert annotator.text('[data-tab="queue"] .ct-count') == "1"


def test_the_list_is_filtered_by_kind_and_by_the_selected_track(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (_, _, c) = library.video([*swapped(), with_gaps(10, 50)])
    annotator = review(video)
    annotator.page.locator('[data-tab="queue"]').click()
    annotator.page.locator("section[aria-label=Queue]").get_by_label("Kind").select_option("flicker")
    annotator.page.wait_for_function("document.querySelectorAll('.ct-moment').length === 2")
    annotator.press("j")
    assert annotator.state("frame") == 10
    annotator.page.locator("section[aria-label=Queue]").get_by_label("Kind").select_option("all")
    annotator.page.locator("section[aria-label=Queue]").get_by_label("Selected").check()
    assert annotator.state("selection") == [c]
    annotator.page.wait_for_function("document.querySelectorAll('.ct-moment').length === 2")


def test_two_tracks_that_look_the_same_are_shown_side_by_side_and_merged(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    whole = steady(range(LENGTH))
    parts = [{t: box for t, box in whole.items() if t < 30}, {t: box for t, box in whole.items() if t >= 34}]
    video, (a, b) = library.video(parts)
    annotator = review(video)
    annotator.press("j")
    annotator.page.keyboard.press("Control+Enter")
    dialog = annotator.page.locator("dialog.ct-same[open]")
    dialog.locator("canvas").nth(1).wait_for()
    assert dialog.locator("figcaption").all_inner_texts() == [f"dog {a}\nto frame 29", f"dog {b}\nfrom frame 34 on"]
    assert dialog.locator("h2").inner_text() == f"Are dog {a} and dog {b} the same?"
    annotator.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert {track for track, *_ in library.all_masks(video)} == {a, b}, "looking changes nothing"
    annotator.page.keyboard.press("Control+Enter")
    dialog.get_by_role("button", name="Merge them").click()
    wait_until(annotator, "!suggestions.some(({ kind }) => kind === 'same')")
    assert {track for track, *_ in library.all_masks(video)} == {a}
    assert len(library.all_masks(video)) == LENGTH - 4


def test_an_undone_remedy_opens_its_moment_again_and_redo_leaves_it_behind(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (a, b, _) = library.video([*swapped(), with_gaps(50)])
    annotator = review(video)
    annotator.press("j", "Control+Enter")
    wait_until(annotator, "suggestions.length === 1")
    assert annotator.state("frame") == 50
    annotator.press("Control+z")
    wait_until(annotator, "suggestions.find(({ id }) => id === suggestion)?.kind === 'switch'")
    assert (annotator.state("frame"), annotator.state("selection")) == (25, [a, b])
    annotator.press("Control+y")
    wait_until(annotator, "suggestions.find(({ id }) => id === suggestion)?.kind === 'flicker'")
    assert annotator.state("frame") == 50 and states(library, video) == [("flicker", 50, "open")]


def test_a_moment_whose_track_is_deleted_is_mended_and_the_queue_goes_on(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    other = {t: box for t, box in steady(range(LENGTH), y=130).items() if t != 40}
    video, (a, b) = library.video([with_gaps(10), other])
    annotator = review(video)
    annotator.press("j", "Delete")
    wait_until(annotator, "suggestions.find(({ id }) => id === suggestion)?.frame === 40")
    assert (annotator.state("frame"), annotator.state("selection")) == (40, [b])
    assert "Mended: " in annotator.text(".ct-toasts")
    annotator.press("Control+z")
    wait_until(annotator, "suggestions.find(({ id }) => id === suggestion)?.frame === 10")
    assert (annotator.state("frame"), annotator.state("selection")) == (10, [a])


def test_where_a_remedy_drew_masks_the_page_stays_so_that_somebody_sees_them(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (track,) = library.video([with_gaps(10, 50)])
    annotator = review(video)
    annotator.press("j")
    first = annotator.state("frame")
    assert f"Fill frame {first}" in annotator.text("section[aria-label=Queue]")
    annotator.press("Control+Enter")
    wait_until(annotator, "suggestions.length === 1")
    annotator.page.get_by_text(f"Look at what was drawn in frame {first}. J goes on").wait_for()
    assert annotator.state("frame") == first and library.mask(video, track, first) is not None
    annotator.press("j")
    assert annotator.state("frame") == 60 - first


def test_what_is_painted_or_verified_where_a_moment_is_leads_on(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (a, _, c) = library.video([*swapped(), with_gaps(10, 50)])
    annotator = review(video)
    annotator.press("j", "y")
    hint = annotator.page.locator(".ct-moment-card > p")
    verified = hint.get_by_text(f"What you did to dog {a} has mended it. Enter or J goes on")
    verified.wait_for()
    assert annotator.state("frame") == 25
    annotator.press("y")
    hint.get_by_text(f"You changed dog {a} here. Done? Enter says so and goes on").wait_for()
    annotator.press("y")
    verified.wait_for()
    annotator.press("Enter")
    assert annotator.state("queueLook") is None
    annotator.press("j", "j")  # over what the masks of the frame before make of it
    assert (annotator.state("frame"), annotator.state("selection")) == (10, [c])
    for frame, mend in ((10, lambda: annotator.press("d")), (50, lambda: annotator.drag((160, 25), (170, 35)))):
        annotator.press("b")
        mend()
        hint.get_by_text(f"What you did to dog {c} has mended it").wait_for()
        assert annotator.state("frame") == frame, "another stroke may follow"
        annotator.press("Enter")


def test_undo_and_redo_stay_at_a_frame_that_they_change_and_else_go_to_the_nearest(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, _ = library.video([with_gaps(10, 11, 12)])
    annotator = review(video)
    drawn = annotator.page.get_by_text("Look at what was drawn in frames 10–12")
    annotator.press("j", "Control+Enter")
    drawn.wait_for()
    annotator.press("ArrowRight", "ArrowRight", "Control+z")
    wait_until(annotator, "suggestions.some(({ id }) => id === suggestion)")
    assert annotator.state("frame") == 12
    annotator.press("Control+y")
    drawn.wait_for()
    assert annotator.state("frame") == 12
    annotator.press("ArrowRight", "ArrowRight", "Control+z")
    wait_until(annotator, "suggestions.some(({ id }) => id === suggestion)")
    assert annotator.state("frame") == 12


def test_own_work_settles_moments_and_shows_what_is_verified(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (track,) = library.video([with_gaps(10, 50)])
    annotator = review(video)
    assert "0 % verified" in annotator.text(".ct-verified")
    log.perform(library.store, video, "ann", verification.verify([track], 0, 30))
    wait_until(annotator, "suggestions.length === 1")
    annotator.page.wait_for_function("document.querySelector('.ct-verified').innerText.includes('43 % verified')")
    words = annotator.page.locator(".ct-verified").get_attribute("aria-label")
    assert words is not None and words.startswith("29 of 68 masks verified, 29 of 68 frames, 0 of 1 tracks")


def test_thousands_of_moments_make_a_few_rows(library: Library, review: Callable[[int], Annotator]) -> None:
    video, (track,) = library.video([with_gaps(10)])
    states(library, video)
    with library.store.transaction() as database:
        run = database.execute("select run_id from videos where id = ?", (video,)).fetchone()[0]
        planted = [(run, track, i + 1000, i % LENGTH, i % LENGTH + 1, f"Planted {i}") for i in range(4000)]
        database.conn.executemany(
            "insert into suggestions (run_id, kind, track_id, other_id, frame, stop, severity, reason) "
            "values (?, 'score', ?, ?, ?, ?, 0.5, ?)",
            planted,
        )
    annotator = review(video)
    annotator.page.locator('[data-tab="queue"]').click()
    assert annotator.text('[data-tab="queue"] .ct-count') == "4001"
    assert annotator.page.locator(".ct-moment").count() < 60
    annotator.press("Shift+J")
    assert annotator.page.locator(".ct-moment.ct-selected").is_visible(), "the last one was scrolled to"
