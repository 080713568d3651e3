"""Working together on the real server and database: notes pinned to a frame and a track, review states, who is who, the Library."""

from collections.abc import Callable
from typing import Any

import pytest

from studio.store import reviews
from tests.browser.annotator import Annotator
from tests.browser.bare_stage import open_stage
from tests.browser.planted import LENGTH, Library, steady


@pytest.fixture
def review(address: str, new_page: Callable[..., Any]) -> Callable[[int], Annotator]:
    def start(video: int) -> Annotator:
        annotator = Annotator(new_page(), address)
        open_stage(annotator.page, address, video)
        annotator.page.wait_for_function("window.__studio.state.review !== null")
        return annotator.idle()

    return start


def notes(library: Library, video: int) -> list[dict[str, Any]]:
    return reviews.comments(library.store.database, video)


def wait_for_notes(annotator: Annotator, count: int) -> None:
    annotator.page.wait_for_function(f"window.__studio.state.comments.length === {count}")


def test_a_note_is_pinned_to_its_frame_and_track_and_others_find_it_there(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (track,) = library.video([steady(range(LENGTH))])
    ann = review(video)
    ann.press("Shift+ArrowRight", "ArrowDown")
    ann.page.keyboard.press(";")
    ann.page.keyboard.type("Is this <b>one</b> dog?")
    assert ann.text(".ct-note-editor strong") == f"Note on dog {track} in frame 10"
    ann.page.keyboard.press("Enter")
    wait_for_notes(ann, 1)
    (note,) = notes(library, video)
    assert (note["text"], note["frame"], note["track_id"]) == ("Is this <b>one</b> dog?", 10, track)
    assert ann.page.locator(".ct-pin").is_visible()
    ann.press("ArrowRight")
    assert ann.page.locator(".ct-pin").count() == 0

    bob = review(video)
    assert bob.text('[data-tab="notes"] .ct-count') == "1"
    bob.page.locator('[data-tab="notes"]').click()
    bob.page.get_by_role("button", name=f"dog {track}, frame 10").click()
    assert (bob.idle().state("frame"), bob.state("selected")) == (10, track)
    pin = bob.page.locator(".ct-pin")
    box = pin.bounding_box()
    left, top = bob.at(35 + 30, 60)
    assert abs(box["x"] + 2 - left) < 8 and abs(box["y"] + 22 - top) < 8, "it stands on the mask's upper right corner"
    bob.page.get_by_role("button", name="Resolve").click()
    pin.wait_for(state="detached")
    bob.idle()  # it is shown before the studio has it
    assert notes(library, video)[0]["resolved_by"] == "local"


def test_a_note_can_be_put_where_one_clicks_changed_and_deleted(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (track,) = library.video([steady(range(LENGTH))])
    annotator = review(video)
    annotator.page.get_by_role("button", name="Note on what is clicked").click()
    annotator.page.mouse.click(*annotator.at(45, 75))
    annotator.page.keyboard.type("first")
    annotator.page.keyboard.press("Escape")
    assert notes(library, video) == []
    annotator.page.keyboard.press(";")
    assert annotator.page.locator(".ct-note-editor textarea").input_value() == "first", "what was begun is still there"
    annotator.page.keyboard.press("Escape")
    annotator.page.get_by_role("button", name="Note on what is clicked").click()
    annotator.page.mouse.click(*annotator.at(45, 75))
    annotator.page.keyboard.press("Enter")
    wait_for_notes(annotator, 1)
    assert notes(library, video)[0]["track_id"] == track
    annotator.page.locator('[data-tab="notes"]').click()
    annotator.page.get_by_role("button", name="Edit").click()
    annotator.page.locator(".ct-note textarea").fill("second")
    annotator.page.keyboard.press("Enter")
    annotator.page.wait_for_function("window.__studio.state.comments[0].text === 'second'")
    annotator.idle()
    assert notes(library, video)[0]["text"] == "second"
    annotator.page.get_by_role("button", name="Delete", exact=True).click()
    wait_for_notes(annotator, 0)
    annotator.idle()
    assert notes(library, video) == []


def test_a_video_goes_from_hand_to_hand_and_the_library_shows_where_it_is(
    library: Library, address: str, review: Callable[[int], Annotator]
) -> None:
    video, _ = library.video([steady(range(LENGTH))], name="lake.mp4")
    ann, bob = review(video), review(video)
    for annotator, name in ((ann, "Ann"), (bob, "Bob")):
        annotator.page.locator('[data-tab="notes"]').click()
        annotator.page.get_by_label("You are").fill(name)
        annotator.page.keyboard.press("Enter")
        annotator.page.wait_for_function(f"window.__studio.state.people.me === '{name}'")
    ann.page.get_by_label("Assigned to").fill("Ann")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("window.__studio.state.review.assignee === 'Ann'")
    ann.page.get_by_role("button", name="Hand in").click()
    ann.page.wait_for_function("window.__studio.state.review.state === 'done'")

    bob.page.reload()
    bob.page.wait_for_function("window.__studio && window.__studio.state.review?.state === 'done'")
    bob.page.locator('[data-tab="notes"]').click()
    bob.page.get_by_role("button", name="Return…").click()
    bob.page.keyboard.type("The dog is a fox.")
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_function("window.__studio.state.review.state === 'returned'")
    row = reviews.review(library.store.database, video)
    assert (row["state"], row["assignee"], row["user"]) == ("returned", "Ann", "Bob")
    assert [(note["text"], note["user"]) for note in notes(library, video)] == [("The dog is a fox.", "Bob")]
    assert "Bob (you)" in bob.text(".ct-note")

    bob.page.goto(f"{address}/?view=library")
    bob.page.locator(".project-row button.wide").last.click()
    card = bob.page.locator(f'[data-video="{video}"]')
    card.get_by_text("Returned").wait_for()
    card.get_by_text("Ann · 1 note · 0 % verified").wait_for()

    ann.page.reload()
    ann.page.locator('[data-tab="notes"]').click()
    for button, state in (("Hand in", "done"), ("Accept", "accepted"), ("Open again", "in_work")):
        ann.page.get_by_role("button", name=button).click()
        ann.page.wait_for_function(f"window.__studio.state.review.state === '{state}'")
        assert reviews.review(library.store.database, video)["state"] == state
