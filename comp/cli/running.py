"""`comp run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp import registry
from comp.cli import BEGAN
from comp.cli.app import Data, Device, Json, Name, Out, Precision, app, print_json
from comp.config import RunConfig, merge, parse_sets, read_toml, resolve
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.competition import Competition

LENGTHS = ("budget", "max_steps")


@app.command()
def run(
    name: Name,
    folds: Annotated[int | None, typer.Option(help="Folds.", show_default="5")] = None,
    fold: Annotated[
        list[int] | None, typer.Option(help="Train this fold only (0-based; may be repeated).")
    ] = None,
    data: Data = None,
    sample: Annotated[bool, typer.Option("--sample", help="Use drawn sample data.")] = False,
    budget: Annotated[
        str | None, typer.Option(help="Wall-clock time of the whole command: 90s, 30m, 1h30m.")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="Optimizer steps a fold.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed.", show_default="0")] = None,
    device: Device = None,
    precision: Precision = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of configuration keys.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key (repeatable)."),
    ] = None,
    repeat: Annotated[
        str | None,
        typer.Option(metavar="RUN_ID", help="Repeat a run: its data, configuration and plan."),
    ] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Cross-validate, predict, and write a checked submission."""
    competition = registry.get(name)
    workspace = Workspace.at(Path.cwd(), out)
    record = _record(competition, workspace, repeat)
    flags = {
        "folds": folds,
        "budget": budget,
        "max_steps": max_steps,
        "seed": seed,
        "device": device,
        "precision": precision,
    }
    given = merge(read_toml(config) if config else {}, parse_sets(set_ or []))
    given = merge(given, _lengths(flags) | {k: v for k, v in flags.items() if v is not None})
    layers = [competition.defaults, record.get("config", {}), given]
    settings = resolve(competition.name, layers, competition.options)
    plan = {} if {"epochs", *LENGTHS} & set(given) else _plan(record)
    if record and not data and not sample:
        data, sample = (None, True) if record["sample"] else (Path(record["data"]), False)
    again = record.get("folds", ()) if "folds" not in given else ()
    _run(competition, settings, workspace, data, sample, fold or again, plan, json)


def _lengths(flags: Mapping[str, Any]) -> dict[str, None]:
    """A budget on the command line takes the place of configured max_steps, and the reverse."""
    asked = [key for key in LENGTHS if flags[key] is not None]
    return {key: None for key in LENGTHS if len(asked) == 1 and key not in asked}


def _record(competition: Competition, workspace: Workspace, repeat: str | None) -> dict[str, Any]:
    """The run.json of the run to repeat, or nothing."""
    if repeat is None:
        return {}
    from comp.errors import RunError
    from comp.runfolder import RunFolder

    record = RunFolder(workspace.find_run(repeat)).record()
    if record["competition"] != competition.name:
        raise RunError(
            f"run {record['run_id']} is of {record['competition']}, not {competition.name}"
        )
    return record


def _plan(record: dict[str, Any]) -> dict[int, int]:
    return {int(fold): int(steps) for fold, steps in record.get("plan", {}).items()}


def _run(
    competition: Competition,
    settings: RunConfig,
    workspace: Workspace,
    data: Path | None,
    sample: bool,
    only: Sequence[int],
    plan: dict[int, int],
    json: bool,
) -> None:
    from comp.data.location import locate
    from comp.report.terminal import TerminalReporter
    from comp.run import run as run_competition

    with TerminalReporter(competition.metric, to_stderr=json) as reporter:
        source = locate(competition, workspace, data, sample)
        summary = run_competition(
            settings, source, workspace, reporter, only=only, plan=plan, began=BEGAN
        )
        reporter.summary(summary)
    if json:
        print_json(asdict(summary))
