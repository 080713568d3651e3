"""The page's own cache of frames: what is fetched, what is given up, what is sharp, and how much is kept."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.settings import Home
from studio.store import Store
from tests.browser.bare_stage import create_stage_app, open_stage
from tests.browser.conftest import serve
from tests.browser.test_stage_modules import call
from tests.studio.frames import add_video, do_jobs
from tests.videos import BITS, make_video, numbered_frames

# A server in the page: answers when told to, notes what was asked and what was given up.
SERVER = """
  const asked = [], gone = [], waiting = new Map(), real = window.fetch;
  const picture = new OffscreenCanvas(input.width ?? 16, input.height ?? 9);
  picture.getContext("2d").fillRect(0, 0, 1, 1);
  const bytes = await picture.convertToBlob({ type: "image/jpeg" });
  window.fetch = (url, { signal }) => new Promise((resolve, reject) => {
    asked.push(url);
    const answer = () => (waiting.delete(url), resolve(new Response(bytes)));
    signal.addEventListener("abort", () => (gone.push(url), waiting.delete(url), reject(new DOMException("", "AbortError"))));
    waiting.set(url, answer);
    if (input.quick) answer();
  });
  const answerAll = async () => {
    while (waiting.size) {
      for (const answer of [...waiting.values()]) answer();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const cache = new frame_cache.FrameCache({
    address: (frame, height) => `${frame}@${height ?? "own"}`,
    height: () => input.wanted ?? null,
    size: input.size ?? { width: 640, height: 360 },
    length: input.length ?? 1000,
  });
  try { RUN } finally { window.fetch = real; }
"""


def run(modules: Any, body: str, **given: Any) -> Any:
    return call(modules, "frame_cache", SERVER.replace("RUN", body), given)


def test_frames_in_the_direction_of_travel_are_fetched_first(modules: Any) -> None:
    body = "cache.prefetch(50, -1, 4); await answerAll(); return asked;"
    assert run(modules, body) == [f"{frame}@own" for frame in (49, 48, 47, 46, 51, 52)]


def test_nothing_is_fetched_beyond_the_ends_of_the_video(modules: Any) -> None:
    body = "cache.prefetch(8, 1, 5); await answerAll(); return asked.sort();"
    assert run(modules, body, length=10) == ["6@own", "7@own", "9@own"]


def test_a_jump_gives_up_what_was_on_its_way_to_the_old_place(modules: Any) -> None:
    body = """
      cache.prefetch(50, 1);
      const wanted = cache.get(700);
      const first = { asked: [...asked], gone: [...gone] };
      await answerAll();
      return { ...first, width: (await wanted).width, all: asked };
    """
    answer = run(modules, body)
    assert answer["asked"] == ["51@own", "52@own", "53@own", "700@own"]
    assert answer["gone"] == ["51@own", "52@own", "53@own"]
    assert answer["width"] == 16
    assert answer["all"] == answer["asked"], "nothing else of the old place is asked for"


def test_a_frame_that_somebody_waits_for_is_not_given_up(modules: Any) -> None:
    body = """
      cache.prefetch(50, 1);
      const waited = cache.get(51);
      cache.prefetch(500, 1);
      const before = [...gone];
      await answerAll();
      return { gone: before, width: (await waited).width, asked: asked.filter((url) => url === "51@own").length };
    """
    assert run(modules, body) == {"gone": ["52@own", "53@own"], "width": 16, "asked": 1}


def test_a_frame_that_is_here_is_not_fetched_again(modules: Any) -> None:
    body = "const first = await cache.get(3); return [first === (await cache.get(3)), cache.has(3), cache.has(4), asked.length];"
    assert run(modules, body, quick=True) == [True, True, False, 1]


def test_while_a_key_is_held_every_connection_fetches_what_nobody_has_asked_for(modules: Any) -> None:
    body = """
      cache.prefetch(50, 1);
      for (const frame of [51, 52]) {
        waiting.get(`${frame}@own`)();
        await pause(30);
        cache.prefetch(frame, 1);
      }
      const next = asked.at(-1);
      await answerAll();
      return { next, twice: asked.filter((url, i) => asked.indexOf(url) < i) };
    """
    assert run(modules, body) == {"next": "55@own", "twice": []}


def test_the_ready_picture_comes_first_and_the_sharp_one_for_who_rests(modules: Any) -> None:
    body = """
      const shown = [];
      await cache.get(3);
      cache.rest(3, 1, () => shown.push(3));
      await cache.get(4);
      cache.rest(4, 1, () => shown.push(4));
      await pause(400);
      return { asked, shown };
    """
    answer = run(modules, body, quick=True, size={"width": 3840, "height": 2160}, wanted=1440)
    assert answer["shown"] == [4]
    assert answer["asked"] == ["3@720", "4@720", "4@1440", "5@1440", "6@1440"]


def test_a_video_that_is_ready_at_its_own_height_is_sharp_at_once(modules: Any) -> None:
    body = "await cache.get(3); cache.rest(3, 1, () => asked.push('sharp')); await pause(300); return asked;"
    assert run(modules, body, quick=True) == ["3@own"]


def test_memory_is_bounded_and_the_frame_on_show_stays(modules: Any) -> None:
    body = """
      const first = await cache.get(0);
      cache.pin(first);
      for (let frame = 1; frame <= 40; frame++) await cache.get(frame);
      const kept = Array.from({ length: 41 }, (_, frame) => frame).filter((frame) => cache.has(frame));
      return { kept, width: first.width };
    """
    size = {"width": 3840, "height": 2160}
    answer = run(modules, body, quick=True, **size, size=size)
    assert answer["width"] == 3840, "a picture that was closed has no width"
    assert answer["kept"][0] == 0
    assert answer["kept"][1:] == list(range(41 - len(answer["kept"]) + 1, 41))
    assert len(answer["kept"]) * 3840 * 2160 * 4 <= 256 * 2**20


def test_a_failure_is_told_to_who_waits_and_nobody_else(modules: Any) -> None:
    body = """
      window.fetch = async () => new Response("", { status: 500 });
      cache.prefetch(5, 1);
      await pause(50);
      try { await cache.get(6); } catch (error) { return [error.name, error.message]; }
    """
    assert run(modules, body)[1] == "The frame could not be read (500)."


def test_a_frame_that_takes_long_is_left_for_the_one_that_is_wanted_by_then(modules: Any) -> None:
    body = """
      const states = store.createStore({ video: { id: 1, length: 100 }, want: 0, frame: 0 });
      const shown = [], began = performance.now();
      const slow = new Promise((resolve) => setTimeout(resolve, 5000));
      const load = (frame) => (frame === 7 ? slow : Promise.resolve(frame));
      const found = new navigator.Navigator(states, { load, show: (frame) => shown.push(frame), failed: () => {} });
      found.go(7);
      found.go(30);
      await found.idle();
      return { shown, quick: performance.now() - began < 2000, frame: states.state.frame };
    """
    assert call(modules, "store navigator", body) == {"shown": [30], "quick": True, "frame": 30}


@pytest.mark.parametrize(("shown", "asked"), [(300, 720), (720, 720), (800, 1080), (1300, 1440), (2200, None)])
def test_the_height_asked_for_is_a_step_not_less_than_what_is_shown(
    modules: Any, shown: int, asked: int | None
) -> None:
    assert call(modules, "frame_cache", f"return frame_cache.pictureHeight({shown}, 2160)") == asked


LENGTH, HEIGHT, WIDTH = 80, 1080, 1920


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The real studio with a large video of one key picture, whose frames are ready; its address and the video's id."""
    folder = tmp_path_factory.mktemp("frames")
    home = Home(folder / "home").create()
    store = Store(home.database)
    options = {"g": "400", "bf": "3", "preset": "ultrafast", "sc_threshold": "0"}
    path = make_video(folder / "large.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH), options=options)
    video = add_video(store, path)
    do_jobs(store, home)
    with serve(create_stage_app(home)) as address:
        yield address, video["id"]


def number_on_show(page: Any) -> int:
    """The number painted into the frame, read from the canvas."""
    columns = [(2 * bit + 1) * WIDTH // (2 * BITS) for bit in range(BITS)]
    bits = page.evaluate(
        """([columns, y]) => columns.map((x) => {
          const canvas = document.querySelector(".ct-review .ct-stage-canvas"), box = canvas.getBoundingClientRect();
          const point = window.__studio.clientPoint(x, y);
          return canvas.getContext("2d").getImageData(point.x - box.left, point.y - box.top, 1, 1).data[0] > 127 ? 1 : 0;
        })""",
        [columns, HEIGHT // 4],
    )
    return int("".join(map(str, bits)), 2)


def test_each_step_and_jump_shows_its_own_frame_quickly_and_then_sharply(
    studio: tuple[str, int], new_page: Callable[..., Any]
) -> None:
    address, video = studio
    page = new_page(1900, 1300, device_scale_factor=1)
    open_stage(page, address, video)
    page.evaluate("window.__studio.idle()")
    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", LENGTH - 1), ("Home", 0)):
        page.keyboard.press(key)
        page.evaluate("window.__studio.idle()")
        assert page.evaluate("window.__studio.frame") == frame
        assert number_on_show(page) == frame
    with page.expect_response(lambda answer: f"/frames/{LENGTH // 2}.jpg?v=" in answer.url) as sharp:
        page.evaluate("(frame) => window.__studio.go(frame)", LENGTH // 2)
    assert sharp.value.ok
    page.wait_for_timeout(200)
    assert number_on_show(page) == LENGTH // 2
    asked = [url.split("/frames/")[1] for url in page.watch.requests if f"/frames/{LENGTH // 2}.jpg" in url]
    assert ["h=720" in url for url in asked] == [True, False], "the ready picture first, the sharp one for who rests"
