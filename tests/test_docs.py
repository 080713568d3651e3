"""What README and docs say exists: links lead somewhere, files named are there, commands and their options are known.

Whether a sentence is true, nobody tests here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from studio.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("assets/**/*.md")]
OURS = ("engine", "training", "studio", "assets", "tests", "docs", "benchmarks")
page_by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code_of(page: Path) -> list[str]:
    """What stands in code: lines of blocks, those that go on put together, and spans."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.M | re.S)
    lines = [line for block in blocks for line in re.sub(r"\\\n", " ", block).splitlines()]
    return [line.split(" # ")[0] for line in lines] + re.findall(r"`([^`\n]+)`", prose)


def calls(page: Path, program: str) -> Iterator[list[str]]:
    """The words after `program` wherever it is called."""
    for code in code_of(page):
        for part in re.split(r"&&|;|\||, ", code):
            words = part.split()
            if program in words:
                yield words[words.index(program) + 1 :]


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@page_by_page
def test_links_lead_to_a_file_and_a_heading_in_it(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        goal = page.parent / path if path else page
        assert goal.exists(), target
        assert not heading or heading in headings(goal), target


@page_by_page
def test_files_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(
        rf"(?:{'|'.join(OURS)}|static)/[\w/.-]+\.(?:py|js|css|md|json|cpp|cu|h)\b", "\n".join(code_of(page))
    ):
        assert (ROOT / name).exists() or (ROOT / "studio" / name).exists(), name


@page_by_page
def test_commands_have_the_options_that_they_are_called_with(page: Path) -> None:
    for words in calls(page, "ctvis-studio"):
        command: Any = typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        if command.name == "ctvis-studio":
            assert not words or words[0].startswith("-"), " ".join(words)
            command = command.commands["serve"]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.split("=")[0] for word in words if word.startswith("--")}
        assert given <= known | {"--help", "--version"}, f"{command.name}: {given - known}"


@page_by_page
def test_scripts_have_the_options_that_they_are_called_with(page: Path) -> None:
    for words in calls(page, "python"):
        module = words[1].replace(".", "/") + ".py" if words[:1] == ["-m"] else next(iter(words), "")
        if not module.startswith(OURS):
            continue
        source = (ROOT / module).read_text()
        for option in (word.split("=")[0].strip("[]") for word in words if word.strip("[").startswith("--")):
            assert f'"{option}"' in source, f"{module} {option}"
