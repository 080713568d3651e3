"""The page's own cache of frames: what is fetched, what is given up, what is sharp, and how much is kept."""

from typing import Any

import pytest

from tests.browser.test_stage_modules import call

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


@pytest.mark.parametrize(("shown", "asked"), [(300, 720), (720, 720), (800, 1080), (1300, 1440), (2200, None)])
def test_the_height_asked_for_is_a_step_not_less_than_what_is_shown(
    modules: Any, shown: int, asked: int | None
) -> None:
    assert call(modules, "frame_cache", f"return frame_cache.pictureHeight({shown}, 2160)") == asked
