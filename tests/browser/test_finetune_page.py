"""The Fine-tune page in a real browser, with a real worker that trains a little net: what it shows before, while and after."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import httpx
import pytest

from studio.app import create_app
from studio.finetune.start import overview
from studio.jobs.finetune import finetune_folder
from studio.settings import Home
from studio.store import Store, finetunes, library
from studio.store import models as table
from tests.browser.conftest import serve
from tests.studio.finetuning import new_studio
from tests.studio.processes import forked_worker, wait_for
from training.finetune_config import FinetuneConfig

LONG = 120_000  # milliseconds; a net is trained meanwhile
SMALL = {"steps": 4, "short_edge": 64, "length": 2, "learning_rate": 1e-5}
ADVANCED = {"clips": 1, "validate_steps": 2, "sample_steps": 4, "patience": 0}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Store, int]]:
    """A project of three little videos, every mask verified, whose default model is a tiny net that knows cats and dogs."""
    home, store, project = new_studio(tmp_path_factory.mktemp("finetune"), videos=3)
    table.set_default(store.database, project, "tiny")
    yield home, store, project
    store.close()


@pytest.fixture(scope="module")
def address(house: tuple[Home, Store, int]) -> Iterator[str]:
    with forked_worker(house[0]), serve(create_app(house[0])) as address:
        yield address


@pytest.fixture
def visit(page: Any, address: str, house: tuple[Home, Store, int]) -> Iterator[Callable[..., Any]]:
    """visit() -> the page of the project; visit(run=3) of one fine-tuning."""

    def go(**asked: Any) -> Any:
        query = "&".join(f"{name}={value}" for name, value in ({"project": house[2]} | asked).items())
        page.goto(f"{address}/?view=finetune&{query}")
        page.wait_for_selector(
            "#finetune-state:not(:empty)" if "run" in asked else "#finetune-start, #page-finetune .empty-state"
        )
        return page

    page.watch.expected.append("thumbnail.jpg")  # the videos were never imported
    page.watch.expected.append("404")
    yield go
    page.goto("about:blank")


def start(page: Any, name: str, **settings: Any) -> int:
    """Press the button with settings that make it quick; returns the number of the fine-tuning."""
    page.locator("#finetune-name").fill(name)
    page.locator("#finetune-advanced summary").click()
    for setting, value in (SMALL | ADVANCED | settings).items():
        page.locator(f"#finetune-{setting}").fill(str(value))
    page.locator("#finetune-trained").select_option("decoder")
    page.get_by_role("button", name="Start fine-tuning").click()
    page.wait_for_url("**run=*")
    page.wait_for_selector(f"#page-finetune h1:has-text('{name}')")
    return int(page.url.split("run=")[1])


def wait_for_state(page: Any, state: str) -> None:
    page.wait_for_selector(f"#finetune-state:text-is('{state}')", timeout=LONG)


def test_before_it_starts_it_says_what_it_learns_from_and_what_is_given_up(
    visit: Callable[..., Any], house: tuple[Home, Store, int], address: str
) -> None:
    page = visit()
    row = page.locator("#page-finetune .table tbody tr")
    assert row.count() == 1 and row.inner_text().split() == ["cat", "known", "3", "12", "6"]
    assert "Held out to judge by, never taught: clip" in page.locator(".material").inner_text()
    assert [fact.inner_text().split("\n")[0] for fact in page.locator(".fact").all()] == ["3", "18", "3", "18"]
    assert "tiny" in page.locator("#finetune-parent").input_value()
    assert "has not been measured" in page.locator(".expected").inner_text()
    page.get_by_role("button", name="Measure").click()  # in a process of its own; the page goes on
    helped = page.locator("#page-finetune .setting")
    assert helped.count() == len(fields(FinetuneConfig))
    assert all(text.strip() for text in helped.locator("small").all_text_contents())
    given_up = page.locator(".notice", has_text="The project's categories replace the model's")
    given_up.get_by_role("button", name="dog").click()
    given_up.wait_for(state="detached")
    assert [row["name"] for row in library.categories(house[1].database, house[2])] == ["cat", "dog"]
    page.locator("#finetune-steps").fill("0")
    page.watch.expected.append("422")
    page.get_by_role("button", name="Start fine-tuning").click()
    assert '"steps" is 0' in page.locator(".toast.error").inner_text()
    page.locator("#finetune-steps").fill("20")
    page.wait_for_selector(".expected:has-text('About')", timeout=LONG)
    assert re.search(r"for training: 20 steps of [\d.]+ s", page.locator(".expected").inner_text())
    empty = httpx.post(f"{address}/api/v1/projects", json={"name": "Nothing yet"}).json()["id"]
    page.locator("#finetune-project").select_option(str(empty))
    page.wait_for_selector(".notice.warning:has-text('Nothing is verified yet')")
    assert page.get_by_role("button", name="Start fine-tuning").is_disabled()


def test_the_time_to_expect_is_that_of_the_settings_at_hand(
    visit: Callable[..., Any], house: tuple[Home, Store, int]
) -> None:
    home, store, project = house
    store.database.execute("delete from speeds")  # as if nobody had measured
    proposed = FinetuneConfig(**overview(store, home, project, "tiny")["settings"])
    finetunes.keep_speed(store.database, "tiny", proposed.shape, 0.5)
    page = visit()
    assert f"About {proposed.steps // 120} min" in page.locator(".expected").inner_text()
    page.locator("#finetune-steps").fill("20")
    assert "About 10 s for training: 20 steps of 0.50 s" in page.locator(".expected").inner_text()
    page.locator("#finetune-length").fill("2")
    assert "has not been measured" in page.locator(".expected").inner_text()
    assert page.get_by_role("button", name="Measure").is_enabled()


def test_a_run_is_watched_survives_a_reload_and_ends_with_a_verdict_and_a_model_that_runs_again(
    visit: Callable[..., Any], house: tuple[Home, Store, int]
) -> None:
    page = visit()
    run = start(page, "felines")
    page.reload()
    wait_for_state(page, "done")
    verdict = page.locator("#finetune-result .notice").inner_text()
    assert "tiny on the held-out videos" in verdict
    scores = page.locator("#finetune-scores tbody tr").all_inner_texts()
    assert [line.split("\t")[0] for line in scores] == ["All categories", "cat"]
    charts = page.locator("#page-finetune .charts svg[role=img]")
    assert [label.split(" over ")[0] for label in charts.evaluate_all("all => all.map(one => one.ariaLabel)")] == [
        "Loss", "AP on held-out videos", "Its parts", "Learning rate",
    ]  # fmt: skip
    charts.nth(1).focus()
    page.keyboard.press("ArrowLeft")
    assert "step 4" in page.locator("#page-finetune .chart-reading:visible").inner_text()
    page.wait_for_function(
        "[...document.querySelectorAll('.samples img')].map((one) => one.naturalWidth > 0).join() === 'true,true,true,true'"
    )
    page.locator("#finetune-step").fill("0")
    assert "samples/0/" in page.locator(".samples img").first.get_attribute("src")
    page.locator("#page-finetune .log-fold summary").click()
    page.wait_for_selector("#page-finetune pre.log:has-text('checkpoint kept')")
    page.locator("#finetune-taught summary").click()
    assert "18" in page.locator("#finetune-taught").inner_text()
    if page.locator("#finetune-make-default").count():
        page.locator("#finetune-make-default").click()
    page.wait_for_selector("#finetune-default")
    assert table.default(house[1].database, house[2]) == "felines"
    page.get_by_role("button", name="Run again with the new model").click()
    page.wait_for_function("document.querySelectorAll('.again-row').length === 3", timeout=LONG)
    page.wait_for_function(
        "[...document.querySelectorAll('.again-row')].every((row) => / done/.test(row.innerText.replace(/\\s/g, ' ')))",
        timeout=LONG,
    )
    listed = page.locator("#page-finetune .past[aria-current=true]").inner_text()
    assert "felines" in listed and "AP" in listed and f"run={run}" in page.url


def test_a_run_is_paused_resumed_cancelled_and_restarted_and_a_disk_without_room_is_said(
    visit: Callable[..., Any], house: tuple[Home, Store, int]
) -> None:
    home, store, _ = house
    page = visit()
    run = start(page, "endless", steps=100_000, validate_steps=100_000, sample_steps=0)
    page.wait_for_selector("#finetune-pace:has-text('steps/s')", timeout=LONG)
    in_the_way = finetune_folder(home, run) / "run" / "state.partial"
    in_the_way.mkdir()
    page.locator("#finetune-pause").click()  # its checkpoint has no place
    page.wait_for_selector("#page-finetune .notice.danger:has-text('cannot be written')", timeout=LONG)
    wait_for_state(page, "paused")
    in_the_way.rmdir()
    before = finetunes.finetune(store.database, run)["step"]
    page.locator("#finetune-resume").click()
    wait_for(lambda: finetunes.finetune(store.database, run)["step"] > before or None)
    page.locator("#finetune-pause").click()
    page.wait_for_selector("#page-finetune .notice.warning:has-text('Paused at step')", timeout=LONG)
    page.locator("#finetune-cancel").click()
    wait_for_state(page, "cancelled")
    page.get_by_role("button", name="Restart from the checkpoint").click()
    wait_for_state(page, "running")
    page.locator("#finetune-cancel").click()
    wait_for_state(page, "cancelled")
    assert "No model was made of it." in page.locator("#page-finetune .notice").inner_text()
