"""The typer application: every command is registered here."""

from __future__ import annotations

from typing import Annotated

import typer

from comp.cli.cache import cache
from comp.cli.check import check
from comp.cli.check_submission import check_submission
from comp.cli.doctor import doctor
from comp.cli.download import download
from comp.cli.explain_config import explain_config
from comp.cli.grade import grade
from comp.cli.group import CommandGroup
from comp.cli.leaderboard import leaderboard
from comp.cli.list import list_competitions
from comp.cli.login import login
from comp.cli.lr_find import lr_find
from comp.cli.predict import predict
from comp.cli.resume import resume
from comp.cli.run import run
from comp.cli.runs import runs_app
from comp.cli.sample import sample
from comp.cli.submit import submissions, submit
from comp.cli.weights import weights

app = typer.Typer(
    name="comp",
    cls=CommandGroup,
    help="Train models for Kaggle image competitions and write checked submissions.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(value: bool) -> None:
    """Print the version and exit."""
    if value:
        from comp import __version__

        typer.echo(f"comp {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options before the command; without a command, print the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


_TRAIN = "Train and predict"
app.command("run", rich_help_panel=_TRAIN)(run)
app.command("resume", rich_help_panel=_TRAIN)(resume)
app.command("predict", rich_help_panel=_TRAIN)(predict)
app.command("grade", rich_help_panel=_TRAIN)(grade)
app.command("lr-find", rich_help_panel=_TRAIN)(lr_find)

_LOOK = "Look at data, runs and settings"
app.command("list", rich_help_panel=_LOOK)(list_competitions)
app.command("check", rich_help_panel=_LOOK)(check)
app.add_typer(runs_app, name="runs", rich_help_panel=_LOOK)
app.command("explain-config", rich_help_panel=_LOOK)(explain_config)
app.command("leaderboard", rich_help_panel=_LOOK)(leaderboard)

_KAGGLE = "Kaggle"
app.command("login", rich_help_panel=_KAGGLE)(login)
app.command("download", rich_help_panel=_KAGGLE)(download)
app.command("check-submission", rich_help_panel=_KAGGLE)(check_submission)
app.command("submit", rich_help_panel=_KAGGLE)(submit)
app.command("submissions", rich_help_panel=_KAGGLE)(submissions)

_HOUSEKEEPING = "Housekeeping"
app.command("doctor", rich_help_panel=_HOUSEKEEPING)(doctor)
app.command("weights", rich_help_panel=_HOUSEKEEPING)(weights)
app.command("sample", rich_help_panel=_HOUSEKEEPING)(sample)
app.command("cache", rich_help_panel=_HOUSEKEEPING)(cache)
