"""`evaluate` on the command line: the golden numbers in a table and in a file, and a sentence for wrong options."""

import json

import pytest
import typer
from typer.testing import CliRunner

from engine.errors import DataError
from studio.commands.evaluate import evaluate
from tests.golden import golden_path

GOLDEN = ["--gt", str(golden_path("ytvis_eval_gt.json")), "--results", str(golden_path("ytvis_eval_results.json"))]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(evaluate)
    return app


def test_the_score_is_printed_and_written(app, tmp_path):
    run = CliRunner().invoke(app, [*GOLDEN, "--json", str(tmp_path / "score.json")], env={"COLUMNS": "160"})
    assert run.exit_code == 0
    assert "15.9" in run.output and "41.7" in run.output  # AP and AP50, percent
    assert "c6" in run.output and "36.5" in run.output  # the best category
    assert "100 tracks per video and category" in run.output
    expected = json.loads(golden_path("ytvis_eval_expected.json").read_text())
    written = json.loads((tmp_path / "score.json").read_text())
    assert written["stats"] == pytest.approx(expected["stats"], abs=1e-9)


def test_tracks_that_cannot_score_are_remarked_on(app, tmp_path):
    results = json.loads(golden_path("ytvis_eval_results.json").read_text())
    (tmp_path / "twice.json").write_text(json.dumps([results[0], results[0]]))
    run = CliRunner().invoke(app, [*GOLDEN[:3], str(tmp_path / "twice.json")])
    assert "1 of 2 tracks repeat the masks of another one" in run.output


@pytest.mark.parametrize("options", [GOLDEN[:2], [*GOLDEN, "--model", "demo"], [*GOLDEN[:2], "--model", "demo"]])
def test_it_wants_either_results_or_a_model_with_images(app, options):
    run = CliRunner().invoke(app, options)
    assert isinstance(run.exception, DataError)
    assert "either --results" in str(run.exception)


def test_a_results_file_that_cannot_be_written_is_a_fault_of_the_input(app, tmp_path):
    run = CliRunner().invoke(app, [*GOLDEN, "--json", str(tmp_path / "no" / "score.json")])
    assert isinstance(run.exception, DataError)
    assert "cannot be written" in str(run.exception)
