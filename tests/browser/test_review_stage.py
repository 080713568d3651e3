"""The review stage in a real browser: what an annotator does, and what reaches the server.

Masks on the server are compared bit for bit with the brush's definition (see annotator.brushed).
"""

import itertools
from typing import Any

import numpy as np
import pytest

from tests.browser.annotator import runs_of, stroke


def test_sixty_fast_arrows_move_sixty_frames(studio: Any) -> None:
    annotator, _ = studio()
    annotator.hurry("ArrowRight", 60)
    assert annotator.state("want") == 60
    annotator.idle()
    assert annotator.state("drawnFrame") == 60
    assert annotator.corner() == 60


def test_keys_move_by_one_ten_and_to_the_ends(studio: Any) -> None:
    annotator, _ = studio()
    moved = [
        annotator.press(key).corner()
        for key in ("Shift+ArrowRight", "ArrowLeft", "End", "ArrowRight", "Shift+ArrowLeft", "Home")
    ]
    assert moved == [10, 9, 95, 95, 85, 0]


def test_control_and_arrow_jump_to_where_the_track_begins_and_ends(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("ArrowDown", "ArrowDown")
    assert [
        annotator.press(key).state("frame") for key in ("Control+ArrowRight", "Control+ArrowRight", "Control+ArrowLeft")
    ] == [5, 92, 5]


def test_a_slow_server_still_ends_on_the_last_wish(studio: Any) -> None:
    annotator, video = studio()
    video.delay = 0.05
    annotator.hurry("ArrowRight", 30)
    annotator.hurry("ArrowLeft", 10)
    assert annotator.idle().corner() == 20


def test_masks_are_fetched_in_chunks_not_frame_by_frame(studio: Any) -> None:
    annotator, video = studio()
    annotator.hurry("ArrowRight", 50)
    annotator.idle()
    assert len([request for request in video.requests if request.endswith("/masks")]) <= 3


def test_clicking_a_mask_selects_its_track_and_empty_space_deselects(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("Shift+ArrowRight")
    rows, columns = np.nonzero(video.ellipse(2, 10))
    assert annotator.click(columns.mean(), rows.mean()).state("selected") == 2
    assert annotator.click(316, 4).state("selected") is None


def test_a_stroke_reaches_the_server_bit_for_bit(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 10)
    annotator.press("Shift+ArrowRight", "ArrowDown", "b")
    annotator.drag((100, 40), (170, 60))
    annotator.idle()
    expected = before | stroke((100, 40), (170, 60), annotator.state("brushSize"))
    assert (video.mask(1, 10) == expected).all()
    assert annotator.shown(10, 1) == runs_of(expected)
    assert video.masks[1, 10]["source"] == "user"
    assert annotator.state("saving") == "saved"


def test_a_stroke_is_exact_at_any_zoom(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 0)
    annotator.press("ArrowDown", "b", "[", "[")
    annotator.page.mouse.move(*annotator.at(120, 60))
    annotator.page.mouse.wheel(0, -900)
    annotator.drag((110, 60), (125, 70))
    annotator.idle()
    assert annotator.page.evaluate("window.__studio.state.view.scale") > 8
    expected = before | stroke((110, 60), (125, 70), annotator.state("brushSize"))
    assert (video.mask(1, 0) == expected).all()


def test_the_eraser_takes_away_bit_for_bit(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 0)
    rows, columns = np.nonzero(before)
    start, end = (int(columns.min()), int(rows.mean())), (int(columns.max()), int(rows.mean()))
    annotator.press("ArrowDown", "e")
    annotator.drag(start, end)
    annotator.idle()
    tip = stroke((start[0], start[1]), (end[0], end[1]), annotator.state("brushSize"))
    assert (video.mask(1, 0) == before & ~tip).all()


def test_erasing_everything_makes_the_object_absent_not_empty(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown", "e", *["]"] * 10)
    rows, columns = np.nonzero(video.mask(1, 0))
    annotator.drag((columns.mean(), rows.min()), (columns.mean(), rows.max()))
    annotator.idle()
    assert (1, 0) not in video.masks
    assert annotator.shown(0, 1) is None


def test_painting_where_the_track_is_absent_creates_its_mask(studio: Any) -> None:
    annotator, video = studio()
    assert video.mask(3, 2) is None
    annotator.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "b")
    annotator.drag((200, 30), (220, 30))
    annotator.idle()
    assert (video.mask(3, 2) == stroke((200, 30), (220, 30), annotator.state("brushSize"))).all()


def test_leaving_the_frame_in_the_middle_of_a_stroke_keeps_it_on_its_frame(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 0)
    annotator.press("ArrowDown", "b")
    annotator.drag((100, 30), (140, 30), release=False)
    annotator.hurry("ArrowRight", 3)
    annotator.page.mouse.up()
    annotator.idle()
    expected = before | stroke((100, 30), (140, 30), annotator.state("brushSize"))
    assert (video.mask(1, 0) == expected).all()
    assert annotator.corner() == 3
    assert [video.masks[1, frame]["source"] for frame in range(4)] == ["user", "model", "model", "model"]


def test_many_quick_strokes_over_several_frames_are_all_saved_in_order(studio: Any) -> None:
    annotator, video = studio()
    before = {frame: video.mask(1, frame) for frame in range(4)}
    annotator.press("ArrowDown", "b")
    size = annotator.state("brushSize")
    video.save_delay = 0.2
    for frame in range(4):
        for x in (60, 150, 240):
            annotator.drag((x, 20), (x + 30, 40))
        annotator.page.keyboard.press("ArrowRight")
        annotator.page.wait_for_function(f"window.__studio.frame === {frame + 1}")
    assert annotator.state("saving") == "saving"
    annotator.idle()
    assert len(video.edits) == 12
    for frame in range(4):
        expected = before[frame]
        for x in (60, 150, 240):
            expected = expected | stroke((x, 20), (x + 30, 40), size)
        assert (video.mask(1, frame) == expected).all()


def test_painting_without_a_selected_track_says_what_to_do(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("b")
    annotator.drag((100, 30), (140, 30))
    assert "Select a track first" in annotator.idle().text(".ct-toasts")
    assert video.edits == []


def test_undo_and_redo_bring_back_every_bit(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 0)
    annotator.press("ArrowDown", "b")
    annotator.drag((100, 30), (140, 50))
    annotator.idle()
    after = video.mask(1, 0)
    annotator.press("End", "Control+z")
    assert annotator.corner() == 0  # undo shows where it was
    assert (video.mask(1, 0) == before).all()
    assert annotator.shown(0, 1) == runs_of(before)
    assert annotator.page.locator(".ct-edit.ct-undone").count() == 1
    annotator.press("Control+Shift+z")
    assert annotator.shown(0, 1) == runs_of(after)
    annotator.press("Control+z", "Control+y")
    assert annotator.shown(0, 1) == runs_of(after)


def test_undo_of_a_stroke_on_an_absent_track_leaves_it_absent(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowUp", "b")
    annotator.drag((200, 30), (220, 30))
    annotator.idle().press("Control+z")
    assert (3, 0) not in video.masks
    assert annotator.shown(0, 3) is None


def test_undo_pressed_while_saving_takes_back_the_stroke_just_drawn(studio: Any) -> None:
    annotator, video = studio()
    before = video.mask(1, 0)
    annotator.press("ArrowDown", "b")
    video.delay = 0.1
    annotator.drag((100, 30), (140, 50))
    annotator.press("Control+z")
    assert (video.mask(1, 0) == before).all()
    assert annotator.shown(0, 1) == runs_of(before)


def test_a_mask_changed_by_another_person_is_not_overwritten(studio: Any) -> None:
    annotator, video = studio()
    annotator.page.watch.expected.append("409")
    theirs = np.zeros((180, 320), bool)
    theirs[90:120, 40:90] = True
    annotator.press("ArrowDown", "b")
    video.rev += 1
    video.put(1, 0, theirs, None, "user", video.rev)
    annotator.drag((100, 30), (140, 50))
    annotator.idle()
    annotator.page.locator("dialog.ct-conflict[open]").wait_for()
    assert (video.mask(1, 0) == theirs).all()
    assert annotator.shown(0, 1) == runs_of(theirs)
    annotator.press("1")
    annotator.drag((100, 30), (140, 50))
    annotator.idle()
    assert (video.mask(1, 0) == theirs | stroke((100, 30), (140, 50), annotator.state("brushSize"))).all()


def test_a_failing_server_loses_no_stroke(studio: Any) -> None:
    annotator, video = studio()
    annotator.page.watch.expected.append("503")
    before = video.mask(1, 0)
    annotator.press("ArrowDown", "b")
    video.failing = True
    annotator.drag((100, 30), (140, 50))
    annotator.drag((200, 30), (240, 50))
    annotator.page.wait_for_function("window.__studio.saving === 'failed'")
    assert annotator.text(".ct-saving") == "Not saved (2)\nRetry"
    assert annotator.state("message") == "The disk is full. Free some space."
    video.failing = False
    annotator.page.get_by_role("button", name="Retry").click()
    annotator.idle()
    size = annotator.state("brushSize")
    strokes = [stroke((x, 30), (x + 40, 50), size) for x in (100, 200)]
    assert (video.mask(1, 0) == before | strokes[0] | strokes[1]).all()
    assert annotator.text(".ct-saving") == "Saved"


def test_a_delete_that_the_server_cannot_do_waits_and_is_done_later(studio: Any) -> None:
    annotator, video = studio()
    annotator.page.watch.expected.append("503")
    video.failing = True
    annotator.page.keyboard.press("ArrowDown")
    annotator.page.keyboard.press("Delete")
    annotator.page.wait_for_function("window.__studio.saving === 'failed'")
    assert sorted(video.tracks) == [1, 2, 3]
    video.failing = False
    annotator.page.get_by_role("button", name="Retry").click()
    annotator.idle()
    assert sorted(video.tracks) == [2, 3]
    assert annotator.page.locator(".ct-track").count() == 2


def test_an_answer_lost_on_the_way_does_not_count_as_a_conflict(studio: Any) -> None:
    annotator, video = studio()
    annotator.page.watch.expected += ["409", "ERR_FAILED", "Failed to load"]
    lost = []

    def lose_first_answer(route: Any) -> None:
        if route.request.method == "PUT" and not lost:
            lost.append(route.fetch())  # the server did its work
            route.abort()
        else:
            route.continue_()

    annotator.page.route("**/masks/0", lose_first_answer)
    annotator.press("ArrowDown", "b")
    annotator.drag((100, 30), (140, 50))
    annotator.page.wait_for_function("window.__studio.saving === 'failed'")
    annotator.page.get_by_role("button", name="Retry").click()
    annotator.idle()
    assert annotator.state("saving") == "saved"
    assert annotator.text(".ct-toasts") == ""
    assert annotator.shown(0, 1) == runs_of(video.mask(1, 0))
    assert len(video.edits) == 1


def test_delete_removes_the_track_and_its_message_can_undo_it(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown", "Delete")
    assert sorted(video.tracks) == [2, 3]
    assert annotator.state("selected") is None
    annotator.page.locator(".ct-toast .ct-link").click()
    annotator.idle()
    assert sorted(video.tracks) == [1, 2, 3]
    assert annotator.page.locator(".ct-track").count() == 3


def test_shift_delete_removes_the_track_from_this_frame_on(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown", "Shift+ArrowRight", "Shift+Delete")
    assert max(frame for track, frame in video.masks if track == 1) == 9
    assert annotator.shown(10, 1) is None
    assert annotator.press("ArrowLeft").shown(9, 1) is not None


def test_the_category_menu_works_by_keys_alone(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown", "c", "3")
    assert video.tracks[1]["category_id"] == 3
    assert "boat" in annotator.row(".ct-track.ct-selected")
    annotator.press("c", "ArrowUp", "Enter")
    annotator.idle()
    assert video.tracks[1]["category_id"] == 2
    annotator.press("c", "Escape", "ArrowRight")
    assert annotator.state("frame") == 1


def test_a_category_can_be_added_from_the_menu(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown", "c")
    annotator.page.get_by_label("Name of a new category").fill("canoe")
    annotator.page.keyboard.press("Enter")
    annotator.page.wait_for_function("document.querySelector('.ct-track.ct-selected').textContent.includes('canoe')")
    assert video.tracks[1]["category_id"] == 4


def test_a_new_track_is_ready_to_be_painted(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("n", "Enter")
    assert annotator.state("selected") == 4
    annotator.drag((200, 20), (230, 20))
    annotator.idle()
    assert (video.mask(4, 0) == stroke((200, 20), (230, 20), annotator.state("brushSize"))).all()


def test_keys_typed_into_a_field_do_nothing_on_the_stage(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("ArrowDown")
    annotator.page.get_by_label("Frame", exact=True).fill("42")
    annotator.page.keyboard.press("Delete")
    annotator.page.keyboard.press("ArrowRight")
    assert annotator.idle().state("frame") == 0
    assert sorted(video.tracks) == [1, 2, 3]
    annotator.press("Enter")
    assert annotator.corner() == 42


def test_keys_do_nothing_while_the_stage_is_out_of_sight(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.evaluate("document.getElementById('stage').style.display = 'none'")
    annotator.press("ArrowRight")
    annotator.page.evaluate("document.getElementById('stage').style.display = ''")
    assert annotator.idle().state("frame") == 0


def test_mounting_again_does_not_double_the_keys(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.evaluate("""async () => {
      const { mount } = await import("/static/review/main.js");
      await (await mount(document.getElementById("stage"))).open(1);
    }""")
    assert annotator.idle().press("ArrowRight").state("frame") == 1


def test_the_help_sheet_names_every_key_and_closes(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("?")
    sheet = annotator.text(".ct-help")
    for text in ("Ten frames on", "Larger brush", "New track", "Redo", "Delete from here on", "Play or pause"):
        assert text in sheet
    annotator.press("ArrowRight")
    assert annotator.state("frame") == 0
    annotator.press("Escape", "ArrowRight")
    assert annotator.state("frame") == 1


def test_a_key_pressed_before_the_closed_help_sheet_has_lost_the_focus_counts(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("?")
    annotator.page.evaluate("""() => {
      const search = document.activeElement;
      if (!search.matches(".ct-help input")) throw new Error("the search field has no focus");
      document.querySelector(".ct-help").close();
      const right = { key: "ArrowRight", code: "ArrowRight", bubbles: true, cancelable: true };
      search.dispatchEvent(new KeyboardEvent("keydown", right));
    }""")
    assert annotator.idle().state("frame") == 1


def test_hidden_and_solo_tracks_leave_the_stage(studio: Any) -> None:
    annotator, video = studio()
    annotator.press("Shift+ArrowRight")
    centre = {track: np.argwhere(video.ellipse(track, 10)).mean(0)[::-1] for track in (1, 2)}
    annotator.page.get_by_label("Hide track 1").click()
    assert annotator.click(*centre[1]).state("selected") is None
    assert annotator.click(*centre[2]).state("selected") == 2
    annotator.page.get_by_label("Show only track 1").click()
    assert annotator.click(*centre[1]).state("selected") == 1
    assert annotator.click(*centre[2]).state("selected") is None
    annotator.page.get_by_role("button", name="Show all").click()
    assert (annotator.state("hidden"), annotator.state("solo")) == ([], None)


def test_space_plays_by_the_clock_and_counts_what_it_drops(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.keyboard.press("Space")
    watched = annotator.page.evaluate("""() => new Promise((resolve) => {
      const seen = [];
      const look = (time) => {
        const { frame } = window.__studio;
        if (seen.at(-1)?.frame !== frame) seen.push({ time, frame });
        if (frame < 60) requestAnimationFrame(look);
        else resolve(seen);
      };
      requestAnimationFrame(look);
    })""")
    annotator.page.keyboard.press("Space")
    state = annotator.idle().page.evaluate("window.__studio.state")
    assert not state["playing"]
    assert annotator.corner() == state["frame"]
    start, end = watched[1], watched[-1]
    assert (end["frame"] - start["frame"]) / 25 == pytest.approx((end["time"] - start["time"]) / 1000, abs=0.25)
    frames = [shown["frame"] for shown in watched]
    assert frames == sorted(frames)
    skipped = sum(later - earlier - 1 for earlier, later in itertools.pairwise(frames))
    assert skipped <= state["dropped"] <= skipped + state["frame"] - 60


def test_space_and_drag_moves_the_picture_without_playing(studio: Any) -> None:
    annotator, _ = studio()
    view = annotator.state("view")
    annotator.page.keyboard.down("Space")
    annotator.drag((100, 100), (120, 110))
    annotator.page.keyboard.up("Space")
    moved = annotator.state("view")
    assert (moved["x"] - view["x"], moved["y"] - view["y"]) == pytest.approx(
        (20 * view["scale"], 10 * view["scale"]), abs=1
    )
    assert not annotator.state("playing")


def test_a_running_model_is_followed_as_it_finds_tracks(studio: Any) -> None:
    annotator, video = studio(objects=0, run={"id": 1, "state": "running", "model": "demo", "progress": 0.25})
    assert "The model is at work · 25 %" in annotator.text(".ct-run")
    assert "appear here as they are found" in annotator.text(".ct-panel-tracks")
    video.tracks[1] = {"category_id": 1, "score": 0.8, "source": "model"}
    found = np.zeros((180, 320), bool)
    found[20:60, 30:80] = True
    video.put(1, 0, found, 0.8, "model", 1)
    video.rev += 1
    annotator.page.wait_for_function("window.__studio.runs(0, 1) !== null")
    assert annotator.shown(0, 1) == runs_of(found)
    video.run = {**video.run, "state": "done", "progress": 1.0}
    annotator.page.wait_for_function("document.querySelector('.ct-run').hidden")


def test_a_video_without_tracks_says_what_to_do(studio: Any) -> None:
    annotator, _ = studio(objects=0)
    assert "No tracks yet" in annotator.text(".ct-panel-tracks")
    assert "run the model" in annotator.text(".ct-notice")


def test_names_are_shown_as_text_never_as_markup(studio: Any) -> None:
    payload = "<img src=x onerror=alert(1)>${document.title='owned'}{{value}}"
    annotator, _ = studio(name=payload, category_names=[payload, payload])
    annotator.press("ArrowDown", "c")
    assert annotator.text(".ct-title h1") == payload
    assert payload in annotator.text(".ct-menu")
    assert annotator.page.locator("#stage img[onerror]").count() == 0
    assert annotator.page.title() == f"{payload} · Fakes · CTVIS Studio"


def test_a_video_that_does_not_exist_gives_the_servers_sentence(studio: Any) -> None:
    annotator, _ = studio()
    annotator.page.watch.expected.append("404")
    annotator.open(opened="99")
    assert annotator.text(".ct-notice span") == "There is no video 99."


def test_opening_the_same_video_again_keeps_the_place(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("ArrowDown", "Shift+ArrowRight")
    annotator.page.evaluate("window.openVideo(1)")
    annotator.idle()
    assert (annotator.state("frame"), annotator.state("selected")) == (10, 1)


def test_brush_size_and_opacity_are_found_again_after_a_reload(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("]", "]", "l")
    size = annotator.state("brushSize")
    annotator.open()
    assert (annotator.state("brushSize"), annotator.state("showLabels")) == (size, False)


@pytest.mark.parametrize("theme", ["", "dark"])
@pytest.mark.parametrize("width", [1100, 1440, 3840])
def test_nothing_is_cut_off_in_either_theme(studio: Any, theme: str, width: int) -> None:
    annotator, _ = studio()
    annotator.page.set_viewport_size({"width": width, "height": 760})
    annotator.open(theme=theme).press("ArrowDown")
    outside = annotator.page.evaluate("""() => {
      const problems = [];
      if (document.documentElement.scrollWidth > window.innerWidth) problems.push("the page scrolls sideways");
      for (const element of document.querySelectorAll(".ct-review button, .ct-review input")) {
        const box = element.getBoundingClientRect();
        if (box.width === 0 || element.closest("dialog, .ct-tracks")) continue;
        if (box.left < 0 || box.right > window.innerWidth || box.bottom > window.innerHeight) problems.push(element.outerHTML);
        if (element.scrollWidth > element.clientWidth + 1) problems.push(`overflows: ${element.outerHTML}`);
      }
      const bars = [...document.querySelectorAll(".ct-bar")];
      for (const { scrollWidth, clientWidth } of bars) {
        if (scrollWidth > clientWidth) problems.push(`a bar overflows by ${scrollWidth - clientWidth} px`);
      }
      return problems;
    }""")
    assert outside == []


def test_every_control_has_a_name_and_can_be_reached_by_tab(studio: Any) -> None:
    annotator, _ = studio()
    annotator.press("ArrowDown")
    unnamed = annotator.page.evaluate("""() => [...document.querySelectorAll(".ct-review button, .ct-review input")]
      .filter((element) => element.checkVisibility())
      .filter((element) => !element.ariaLabel && !element.innerText.trim() && !element.title && !element.closest("label"))
      .map((element) => element.outerHTML)""")
    assert unnamed == []
    reached = set()
    for _ in range(90):
        annotator.page.keyboard.press("Tab")
        reached.add(annotator.page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.title"))
    assert {"Brush (B)", "Play (Space)", "Timeline", "New track (N)", "Delete everywhere (Delete)"} <= reached
