"""The Models page on a real server, with a model that was really fine-tuned: its family, its figures, what can be done with it."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.app import create_app
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store, job_line
from studio.store import models as table
from tests.browser.conftest import serve
from tests.studio.finetuning import new_studio, press
from tests.studio.processes import wait_for


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Store, int]:
    """A project whose default model, `Cats_dogs`, was fine-tuned from `tiny`."""
    home, store, project = new_studio(tmp_path_factory.mktemp("models"))
    perform(store, home, press(home, store, project)["job"]["id"])
    return home, store, project


@pytest.fixture(scope="module")
def address(studio: tuple[Home, Store, int]) -> Iterator[str]:
    with serve(create_app(studio[0])) as address:
        yield address


@pytest.fixture
def visit(new_page: Callable[..., Any], address: str) -> Callable[[str], Any]:
    """visit("tiny") -> the page of that model."""

    def go(model: str) -> Any:
        page = new_page(accept_downloads=True)
        page.watch.expected.append("thumbnail.jpg")  # the clips of this studio were never imported
        page.goto(f"{address}/?view=models&model={model}")
        heading = {"@zoo": "Models of others", "@add": "Add a model"}.get(model, model)
        page.wait_for_selector(f"#page-models h1:has-text('{heading}')")
        return page

    return go


def rows(page: Any) -> list[tuple[str, str]]:
    found = page.locator("#page-models [role=treeitem]")
    return [(item.get_attribute("aria-level"), item.locator("strong").inner_text()) for item in found.all()]


def test_the_family_stands_as_a_tree_and_a_model_shows_where_it_came_from(visit: Any, studio: Any) -> None:
    page = visit("Cats_dogs")
    assert rows(page) == [("1", "demo"), ("1", "tiny"), ("2", "Cats_dogs")]
    text = page.locator("#page-models .model-main").inner_text()
    assert "Fine-tuned from tiny · in Cats & dogs" in text
    assert "From 4 entries of the history, by ann." in text
    assert [row.split("\t")[0] for row in page.locator("#finetune-scores tbody").inner_text().splitlines()] == [
        "All categories",
        "cat",
    ]
    pictures = page.locator("#model-pictures img")
    assert pictures.count() and pictures.count() % 2 == 0
    page.wait_for_function(
        "[...document.querySelectorAll('#model-pictures img')].slice(0, 2).every((i) => i.naturalWidth)"
    )
    steps = {image.get_attribute("src").split("/")[-2] for image in pictures.all()}
    assert "0" in steps and len(steps) == 2, "the parent's pictures beside the new model's"
    assert page.locator("#page-models .chart svg").count() >= 2
    page.get_by_role("link", name="tiny", exact=True).click()
    page.wait_for_selector("#page-models h1:has-text('tiny')")
    assert "model=tiny" in page.url and page.locator("#finetune-scores").count() == 0
    page.go_back()
    page.wait_for_selector("#page-models h1:has-text('Cats_dogs')")


def test_a_model_is_taken_away_made_default_renamed_and_deleted(
    visit: Any, studio: tuple[Home, Store, int], tmp_path: Path
) -> None:
    home, store, project = studio
    page = visit("Cats_dogs")
    page.get_by_role("button", name="Export").click()
    assert page.get_by_role("menuitem").count() == 1, "the reference has no such backbone"
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="safetensors").click()
    download.value.save_as(tmp_path / "taken.zip")
    assert set(zipfile.ZipFile(tmp_path / "taken.zip").namelist()) == {"Cats_dogs.safetensors", "Cats_dogs.json"}

    table.set_default(store.database, project, "Cats_dogs")
    store.database.conn.commit()
    page.reload()
    page.wait_for_selector("#model-held:has-text('is the default of the project')")
    page.get_by_role("button", name="More for Cats_dogs").click()
    page.get_by_role("menuitem", name="Delete").click()
    assert "Choose another first." in page.locator(".toast.error").inner_text()

    page.locator(".tree-row[data-model=tiny]").click()
    page.wait_for_selector("#page-models h1:has-text('tiny')")
    page.get_by_role("button", name="Set as default").click()
    page.get_by_role("menuitem", name="Cats & dogs").click()
    page.wait_for_selector(".tree-row[data-model=tiny] .badge:has-text('default')")
    assert table.default(store.database, project) == "tiny"

    page.locator(".tree-row[data-model=Cats_dogs]").click()
    page.wait_for_selector("#page-models h1:has-text('Cats_dogs')")
    page.get_by_role("button", name="More for Cats_dogs").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("textbox", name="Name").fill("felines")
    page.keyboard.press("Enter")
    page.wait_for_selector("#page-models h1:has-text('felines')")
    page.get_by_role("button", name="More for felines").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete model").click()
    page.wait_for_selector(".tree-row[data-model=felines]", state="detached")
    assert "felines" not in [row["name"] for row in table.models(store.database)]
    assert not list(home.models.glob("children/*"))


def test_a_file_is_added_and_what_is_wrong_with_one_is_said(
    visit: Any, studio: tuple[Home, Store, int], tmp_path: Path
) -> None:
    home, store, _ = studio

    def work() -> None:
        """What a worker would do."""
        perform(store, home, wait_for(lambda: job_line.next_in_line(store.database, "models")))

    bare = tmp_path / "kitten.safetensors"
    bare.write_bytes((home.models / "tiny.safetensors").read_bytes())
    page = visit("@add")
    page.locator("#page-models input[type=file]").set_input_files(bare)
    assert "kitten.safetensors" in page.locator("#page-models .drop-zone").inner_text()
    page.get_by_role("button", name="Add model").click()
    page.wait_for_selector("#page-models .adding:has-text('Waiting for its turn')")
    work()
    page.wait_for_selector("#page-models .notice.danger:has-text('fits no preset')")

    with zipfile.ZipFile(tmp_path / "kitten.zip", "w") as pair:  # as this page exports it
        for suffix in (".safetensors", ".json"):
            pair.write(home.models / f"tiny{suffix}", f"tiny{suffix}")
    page.locator("#page-models input[type=file]").set_input_files(tmp_path / "kitten.zip")
    page.get_by_role("textbox", name="Name").fill("kitten")
    page.get_by_role("button", name="Add model").click()
    page.wait_for_selector("#page-models .adding")
    work()
    page.wait_for_selector("#page-models h1:text-is('kitten')")
    assert "Nothing is left at random" in page.locator(".toast").last.inner_text()
    assert ("1", "kitten") in rows(page)


def test_many_models_can_be_searched_and_the_zoo_says_where_the_figures_are_from(visit: Any, studio: Any) -> None:
    home, store, _ = studio
    preset = json.loads((home.models / "tiny.json").read_text())["preset"]
    with store.transaction() as database:
        for number in range(50):
            parent = f"bird-{number - 1}" if number % 5 else "tiny"
            table.add_model(database, f"bird-{number}", "tiny.safetensors", preset)
            database.execute("update models set parent = ? where name = ?", (parent, f"bird-{number}"))
    page = visit("@zoo")
    page.wait_for_selector("#page-models tbody tr")
    assert page.locator("#page-models tbody tr").count() == 10
    assert "abstract of arXiv 2307.12616" in page.locator("#page-models tbody").inner_text()
    page.get_by_role("searchbox", name="Search models").fill("bird-42")
    assert [name for _, name in rows(page)] == ["tiny", "bird-40", "bird-41", "bird-42"]
