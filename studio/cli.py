"""The command `ctvis-studio`: one subcommand per file of studio/commands.

Without a subcommand it serves the studio. Exit codes: 0 done, 1 the work failed (one sentence on stderr says why), 2 wrong usage.
"""

import sys
from typing import NoReturn

import typer
from rich.console import Console

from engine.errors import CtvisError
from studio.commands.dataset import app as dataset
from studio.commands.doctor import doctor
from studio.commands.evaluate import evaluate
from studio.commands.export import export
from studio.commands.finetune import finetune
from studio.commands.jobs import app as jobs
from studio.commands.models import app as models
from studio.commands.predict import predict
from studio.commands.serve import serve
from studio.commands.train import train
from studio.version import studio_version

app = typer.Typer(
    name="ctvis-studio",
    help="Find, follow and correct every object in a video. Without a command: serve the studio.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve)
app.command()(predict)
app.command()(evaluate)
app.command()(train)
app.command()(export)
app.command()(finetune)
app.add_typer(jobs, name="jobs")
app.add_typer(models, name="models")
app.add_typer(dataset, name="dataset")
app.command()(doctor)


@app.callback(invoke_without_command=True)
def options(version: bool = typer.Option(False, "--version", is_eager=True, help="Print the version.")) -> None:
    """Runs before every command."""
    if version:
        typer.echo(studio_version())
        raise typer.Exit


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line, by default this process's own, and exit."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(_with_command(arguments))
    except CtvisError as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(str(error), style="red")
        sys.exit(1)
    sys.exit(0)


def _with_command(arguments: list[str]) -> list[str]:
    """`ctvis-studio --port 7861` means `ctvis-studio serve --port 7861`."""
    if arguments and (not arguments[0].startswith("-") or arguments[0] in ("-h", "--help", "--version")):
        return arguments
    return ["serve", *arguments]


if __name__ == "__main__":
    main()
