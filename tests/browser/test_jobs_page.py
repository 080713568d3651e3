"""The Jobs page in a real browser: hundreds of jobs, their order, what can be done with one, and what it left behind.

The whole studio without a worker, so that what waits goes on waiting; that a worker keeps the order is tested in
tests/studio/test_job_line.py.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.app import create_app
from studio.jobs.finetune import finetune_folder
from studio.settings import Home
from studio.store import Row, Store, finetunes, job_line, jobs, runs
from tests.browser.conftest import serve
from tests.studio.library import new_video

MANY = 500
USABLE = 10.0  # seconds from the click to the list, on a machine that does other things too


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Store, str]]:
    home = Home(tmp_path_factory.mktemp("jobs") / "home").create()
    store = Store(home.database)
    with serve(create_app(home)) as address:
        yield home, store, address
    store.close()


@pytest.fixture
def home(studio: tuple[Home, Store, str]) -> Home:
    return studio[0]


@pytest.fixture
def store(studio: tuple[Home, Store, str]) -> Iterator[Store]:
    """The store of the studio, without jobs."""
    yield studio[1]
    studio[1].database.execute("delete from jobs")


@pytest.fixture
def visit(page: Any, studio: tuple[Home, Store, str], store: Store) -> Iterator[Callable[[], Any]]:
    def go() -> Any:
        page.goto(f"{studio[2]}/?view=jobs")
        page.wait_for_selector("#page-jobs .job-row, #page-jobs .empty-state")
        return page

    page.watch.expected.append("thumbnail.jpg")  # the videos were never imported
    yield go
    page.goto("about:blank")  # before the jobs are deleted: a page that polls would complain


def waiting_runs(store: Store, video: Row, number: int) -> list[int]:
    with store.transaction() as database:
        made = [runs.add_run(database, video["id"], "demo", {})["id"] for _ in range(number)]
        references = {"video_id": video["id"], "project_id": video["project_id"]}
        return [jobs.add_job(database, "run", run_id=run, **references)["id"] for run in made]


SHOWN = "() => [...document.querySelectorAll('#page-jobs .job-row')].map((row) => Number(row.dataset.job))"


def shown(page: Any) -> list[int]:
    return list(page.evaluate(SHOWN))


def wait_until_shown(page: Any, ids: list[int]) -> None:
    page.wait_for_function(f"(ids) => ({SHOWN})().join() === ids.join()", arg=ids)


def test_hundreds_of_jobs_come_at_once_a_page_at_a_time_and_any_can_be_first(
    visit: Callable[[], Any], store: Store
) -> None:
    waiting = waiting_runs(store, new_video(store, name="hundreds"), MANY)
    page = visit()
    page.get_by_role("link", name="Library", exact=True).click()
    began = time.monotonic()
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.wait_for_selector(f".job-row[data-job='{waiting[0]}']")
    assert shown(page) == waiting[:50] and time.monotonic() - began < USABLE
    assert page.locator(".pager").inner_text().split("\n")[1] == f"1 to 50 of {MANY}"
    page.get_by_role("button", name="Next").click()
    page.wait_for_selector(f".job-row[data-job='{waiting[99]}']")
    assert shown(page) == waiting[50:100]
    page.locator(f".job-row[data-job='{waiting[99]}']").get_by_role("button", name="Do it first").click()
    page.wait_for_selector(f".job-row[data-job='{waiting[99]}']", state="detached")
    page.get_by_role("button", name="Previous").click()
    page.wait_for_selector(f".job-row[data-job='{waiting[99]}']")
    assert shown(page)[:2] == [waiting[99], waiting[0]]
    assert job_line.next_in_line(store.database, "inference") == waiting[99]


def test_order_is_changed_by_keys_and_the_keyboard_stays_with_the_job(visit: Callable[[], Any], store: Store) -> None:
    one, two, three = waiting_runs(store, new_video(store, name="keys"), 3)
    page = visit()
    up = page.locator(f".job-row[data-job='{three}']").get_by_role("button", name="Move up")
    up.focus()
    for order in ([one, three, two], [three, one, two]):
        page.keyboard.press("Enter")
        wait_until_shown(page, order)
    held = "document.activeElement.closest('.job-row')?.dataset.job + document.activeElement.title"
    assert page.evaluate(held) == f"{three}Move up"


def test_a_job_says_what_it_works_on_and_why_it_failed_and_is_tried_again_or_cancelled(
    visit: Callable[[], Any], store: Store
) -> None:
    video = new_video(store, name="lake")
    failed, waiting = waiting_runs(store, video, 2)
    jobs.claim(store.database, failed)
    jobs.fail(store.database, failed, "The disk is full.")
    store.database.execute(
        "update runs set state = 'failed' where id = (select run_id from jobs where id = ?)", (failed,)
    )
    export = jobs.add_job(store.database, "export", project_id=video["project_id"])["id"]
    page = visit()
    wait_until_shown(page, [waiting, export, failed])
    row = page.locator(f".job-row[data-job='{failed}']")
    assert "lake with demo in Project of lake" in row.inner_text() and "The disk is full." in row.inner_text()
    page.locator("#page-jobs [data-state=failed]").click()
    wait_until_shown(page, [failed])
    row.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#page-jobs .empty-state", state="visible")
    assert jobs.job(store.database, failed)["state"] == "queued"
    page.locator("#page-jobs [data-state='']").click()
    page.locator("#page-jobs").get_by_label("Kind").select_option("export")
    wait_until_shown(page, [export])
    page.locator(f".job-row[data-job='{export}']").get_by_role("button", name="Cancel").click()
    page.wait_for_selector(f".job-row.cancelled[data-job='{export}']")
    page.locator("#page-jobs").get_by_label("Kind").select_option("")
    page.locator(f".job-row[data-job='{waiting}']").get_by_role("link", name="Project of lake").click()
    page.wait_for_selector("#page-library h1:has-text('Project of lake')")


def test_the_log_of_a_fine_tuning_stays_open_while_it_grows_and_its_name_leads_to_it(
    visit: Callable[[], Any], store: Store, home: Home
) -> None:
    project = new_video(store, name="pond")["project_id"]
    summary = {"videos": 1, "frames": 3, "tracks": 1, "masks": 3, "ignored_masks": 0, "rejected_tracks": 0}
    summary |= {"categories": [], "held_out": {"videos": [], "frames": 0, "share": 0}, "ready": True, "warnings": []}
    config = {"steps": 9, "clips": 1, "length": 2}
    with store.transaction() as database:
        found = finetunes.add_finetune(
            database, project, finetunes.Names("demo", "demo", "ducks"), config, "0" * 64, summary, "ann"
        )
        finetunes.ask_to_pause(database, found["id"])
    log = finetune_folder(home, found["id"]) / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("starts from demo\n")
    page = visit()
    row = page.locator(f".job-row[data-job='{found['job']['id']}']")
    assert "paused" in row.inner_text() and "Paused before it started." in row.inner_text()
    row.get_by_role("button", name="Log").click()
    page.wait_for_selector(".job-row pre.log:has-text('starts from demo')")
    with log.open("a") as file:
        file.write("step 4: checkpoint kept\n")
    page.wait_for_selector(".job-row pre.log:has-text('checkpoint kept')")
    row.get_by_role("button", name="Resume").click()
    page.wait_for_selector(f".job-row.queued[data-job='{found['job']['id']}'] pre.log:visible")
    row.get_by_role("link", name="ducks").click()
    page.wait_for_selector("#page-finetune h1:has-text('ducks')")
    assert f"run={found['id']}" in page.url
