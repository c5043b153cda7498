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
    help="From a Kaggle image competition's data to a checked submission.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(value: bool) -> None:
    """Print the version and stop."""
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
    """Options of every command; without a command, the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("cache")(cache)
app.command("check")(check)
app.command("check-submission")(check_submission)
app.command("doctor")(doctor)
app.command("download")(download)
app.command("explain-config")(explain_config)
app.command("grade")(grade)
app.command("leaderboard")(leaderboard)
app.command("list")(list_competitions)
app.command("login")(login)
app.command("lr-find")(lr_find)
app.command("predict")(predict)
app.command("resume")(resume)
app.command("run")(run)
app.command("sample")(sample)
app.command("submit")(submit)
app.command("submissions")(submissions)
app.command("weights")(weights)
app.add_typer(runs_app, name="runs")
