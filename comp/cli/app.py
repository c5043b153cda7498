"""The typer application: the table of commands, and how the application is built from it."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer

from comp.cli.group import CommandGroup

_TRAIN = "Train and predict"
_LOOK = "Look at data, runs and settings"
_KAGGLE = "Kaggle"
_HOUSEKEEPING = "Housekeeping"

COMMANDS = {
    "new": (_TRAIN, "comp.cli.new:new"),
    "run": (_TRAIN, "comp.cli.run:run"),
    "plan": (_TRAIN, "comp.cli.plan:plan"),
    "resume": (_TRAIN, "comp.cli.resume:resume"),
    "gather": (_TRAIN, "comp.cli.gather:gather"),
    "race": (_TRAIN, "comp.cli.race:race"),
    "pseudo": (_TRAIN, "comp.cli.pseudo:pseudo"),
    "blend": (_TRAIN, "comp.cli.blend:blend"),
    "predict": (_TRAIN, "comp.cli.predict:predict"),
    "export": (_TRAIN, "comp.cli.export:export"),
    "grade": (_TRAIN, "comp.cli.grade:grade"),
    "tune": (_TRAIN, "comp.cli.tune:tune"),
    "lr-find": (_TRAIN, "comp.cli.lr_find:lr_find"),
    "list": (_LOOK, "comp.cli.list:list_competitions"),
    "check": (_LOOK, "comp.cli.check:check"),
    "explore": (_LOOK, "comp.cli.explore:explore"),
    "embed": (_LOOK, "comp.cli.embed:embed"),
    "compare": (_LOOK, "comp.cli.compare:compare"),
    "suspects": (_LOOK, "comp.cli.suspects:suspects"),
    "report": (_LOOK, "comp.cli.report:report"),
    "watch": (_LOOK, "comp.cli.watch:watch"),
    "runs": (_LOOK, "comp.cli.runs:runs_app"),
    "explain": (_LOOK, "comp.cli.explain:explain"),
    "demo": (_LOOK, "comp.cli.demo:demo"),
    "explain-config": (_LOOK, "comp.cli.explain_config:explain_config"),
    "leaderboard": (_LOOK, "comp.cli.leaderboard:leaderboard"),
    "trust": (_LOOK, "comp.cli.trust:trust"),
    "login": (_KAGGLE, "comp.cli.login:login"),
    "download": (_KAGGLE, "comp.cli.download:download"),
    "check-submission": (_KAGGLE, "comp.cli.check_submission:check_submission"),
    "bundle": (_KAGGLE, "comp.cli.bundle:bundle"),
    "submit": (_KAGGLE, "comp.cli.submit:submit"),
    "submissions": (_KAGGLE, "comp.cli.submit:submissions"),
    "kernel": (_KAGGLE, "comp.cli.kernel:kernel_app"),
    "doctor": (_HOUSEKEEPING, "comp.cli.doctor:doctor"),
    "weights": (_HOUSEKEEPING, "comp.cli.weights:weights"),
    "sample": (_HOUSEKEEPING, "comp.cli.sample:sample"),
    "cache": (_HOUSEKEEPING, "comp.cli.cache:cache"),
}
"""Command: (heading in the help, module:function or module:typer application)."""


def build_app(first_argument: str = "") -> typer.Typer:
    """Return the application with all commands.

    If `first_argument` is a command, only this one is imported and added: half of the time of
    `comp list` would go to the other commands.
    """
    app = typer.Typer(
        name="comp",
        cls=CommandGroup,
        help="Train models for Kaggle competitions and write checked submissions.",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(options)
    for name in [first_argument] if first_argument in COMMANDS else COMMANDS:
        panel, origin = COMMANDS[name]
        command = _import(origin)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(command)
    return app


def _import(origin: str) -> Any:
    module, _, name = origin.partition(":")
    return getattr(importlib.import_module(module), name)


def version(value: bool) -> None:
    """Print the version and exit."""
    if value:
        from comp import __version__

        typer.echo(f"comp {__version__}")
        raise typer.Exit


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
