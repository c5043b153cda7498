"""`comp run`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
    Out,
    Precision,
    Pretrained,
    Sample,
    Sets,
    SkipBad,
    Weights,
    print_json,
    transfer,
)
from comp.cli.started import BEGAN
from comp.cli.stoppable import stoppable
from comp.config.schema import RunConfig, merge, parse_sets, read_toml, resolve
from comp.contract import registry
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.contract.competition import Competition

LENGTHS = ("budget", "max_steps")
TRANSFER = {"backbone", "pretrained", "weights"}


Repeat = Annotated[
    str | None,
    typer.Option(metavar="RUN_ID", help="Repeat a run: its data, configuration and plan."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the newest unfinished run.")]


def run(
    name: Name,
    folds: Annotated[int | None, typer.Option(help="Folds.", show_default="5")] = None,
    fold: Annotated[
        list[int] | None, typer.Option(help="Train this fold only (0-based; may be repeated).")
    ] = None,
    data: Data = None,
    sample: Sample = False,
    budget: Annotated[
        str | None, typer.Option(help="Wall-clock time of the whole command: 90s, 30m, 1h30m.")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="Optimizer steps a fold.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed.", show_default="0")] = None,
    device: Device = None,
    precision: Precision = None,
    config: ConfigFile = None,
    set_: Sets = None,
    weights: Weights = None,
    pretrained: Pretrained = None,
    skip_bad: SkipBad = False,
    repeat: Repeat = None,
    resume: Resume = False,
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
    given = merge(_given(config, set_ or [], flags), transfer(weights, pretrained))
    if resume:
        others = {"sample": sample, "fold": fold, "repeat": repeat, "skip-bad": skip_bad}
        _refuse([flag for flag, value in others.items() if value])
        return _resume(name, workspace, given, data, json)
    plan = {} if {"epochs", *LENGTHS} & set(given) else record.get("plan", {})
    if record and not data and not sample:
        data, sample = (None, True) if record["synthetic"] else (Path(record["data"]), False)
    again = record.get("folds", ()) if "folds" not in given else ()
    asked = CommandInput(
        competition, workspace, record.get("config", {}), given, data, sample, skip_bad
    )
    return _run(asked, fold or again, plan, json)


def _refuse(flags: Sequence[str]) -> None:
    """Refuse flags that cannot change a run that is gone on with.

    Raises:
        ConfigError: naming them.
    """
    from comp.errors import ConfigError

    if flags:
        named = ", ".join(f"--{flag}" for flag in flags)
        raise ConfigError(f"--resume goes on with a run as it began: leave out {named}")


def _resume(
    name: str, workspace: Workspace, given: Mapping[str, Any], data: Path | None, json: bool
) -> None:
    """Go on with the newest unfinished run of a competition."""
    from comp.cli.resume import resume_and_report
    from comp.pipeline.resume import newest_unfinished

    resume_and_report(newest_unfinished(workspace, name), workspace, given, data, json)


def _given(config: Path | None, sets: Sequence[str], flags: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the TOML file, then --set, then the flags say; a file of weights is found from any
    folder, so that the run can be gone on with there."""
    given = merge(read_toml(config) if config else {}, parse_sets(sets))
    if isinstance(given.get("weights"), str):
        given["weights"] = str(Path(given["weights"]).absolute())
    return merge(given, _lengths(flags) | {k: v for k, v in flags.items() if v is not None})


def _lengths(flags: Mapping[str, Any]) -> dict[str, None]:
    """A budget on the command line takes the place of configured max_steps, and the reverse."""
    asked = [key for key in LENGTHS if flags[key] is not None]
    return {key: None for key in LENGTHS if len(asked) == 1 and key not in asked}


def _record(competition: Competition, workspace: Workspace, repeat: str | None) -> dict[str, Any]:
    """The run.json of the run to repeat, or nothing."""
    if repeat is None:
        return {}
    from comp.errors import RunError
    from comp.runs.folder import RunFolder

    folder = RunFolder(workspace.find_run(repeat))
    record = folder.record("competition", "config", "folds", "data", "synthetic", "plan")
    if record["competition"] != competition.name:
        raise RunError(f"run {folder.run_id} is of {record['competition']}, not {competition.name}")
    return record


@dataclass(frozen=True)
class CommandInput:
    """What the command line asks for: configuration in layers, and data."""

    competition: Competition
    workspace: Workspace
    record: Mapping[str, Any]
    given: Mapping[str, Any]
    data: Path | None
    synthetic: bool
    skip_bad: bool

    def settings(self, drawn: bool) -> RunConfig:
        """The configuration; on drawn data without pretrained weights, unless they are asked for.

        Raises:
            ConfigError: naming all that is wrong.
        """
        plugin = self.competition
        own = plugin.synthetic_defaults if drawn and not TRANSFER & set(self.given) else {}
        layers = [plugin.defaults, self.record or own, self.given]
        return resolve(plugin.name, layers, plugin.options)


def _run(asked: CommandInput, only: Sequence[int], plan: dict[int, int], json: bool) -> None:
    asked.settings(drawn=asked.synthetic)  # mistakes show before data is unpacked
    took_s = _offer(asked, to_stderr=json)

    from comp.data.location import locate
    from comp.pipeline.run import run as run_competition
    from comp.report.terminal import TerminalReporter

    competition, workspace = asked.competition, asked.workspace
    with stoppable(), TerminalReporter(competition.metric, to_stderr=json) as reporter:
        source = locate(competition, workspace, asked.data, asked.synthetic)
        summary = run_competition(
            asked.settings(drawn=source.synthetic),
            source,
            workspace,
            reporter,
            only=only,
            plan=plan,
            began=BEGAN + took_s,
            skip_bad=asked.skip_bad,
        )
        reporter.summary(summary)
    if json:
        print_json(asdict(summary))


def _offer(asked: CommandInput, to_stderr: bool) -> float:
    """Where there is no data and Kaggle could be asked for it: fetch it if the user says so, else
    say how. Returns the seconds that this took, which are no part of a budget."""
    from comp.kaggle.client.credentials import every

    name, workspace = asked.competition.name, asked.workspace
    if asked.data or asked.synthetic or workspace.has_data(name) or not every():
        return 0.0
    began = time.perf_counter()
    words = f"no data in data/{name}"
    if sys.stdin and sys.stdin.isatty():
        if typer.confirm(f"{words}: download it from Kaggle now?", err=to_stderr):
            from comp.cli.download import TIMEOUT, download_and_report
            from comp.cli.timeouts import seconds
            from comp.kaggle.download_request import download_request

            download_and_report(
                download_request(name, workspace), workspace, seconds(TIMEOUT), to_stderr
            )
    else:
        typer.echo(
            f"{words}: 'comp download {name}' fetches it; going on with drawn sample data",
            err=to_stderr,
        )
    return time.perf_counter() - began
