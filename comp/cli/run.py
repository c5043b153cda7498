"""`comp run`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.completion import complete_run
from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Gpus,
    Jobs,
    Json,
    Name,
    NodeData,
    On,
    Out,
    Precision,
    Pretrained,
    Sample,
    Sets,
    SkipBad,
    Weights,
    print_json,
)
from comp.cli.ranks import placed
from comp.cli.started import STARTED_AT
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.config.placement import Placement
    from comp.pipeline.request import RunRequest

Folds = Annotated[int | None, typer.Option(help="Number of folds.", show_default="5")]
Fold = Annotated[
    list[int] | None,
    typer.Option(metavar="INT", help="Train only this fold, the first is 0 (repeatable)."),
]
Budget = Annotated[
    str | None, typer.Option(help="Wall-clock time of the whole command: 90s, 30m, 1h30m.")
]
MaxSteps = Annotated[int | None, typer.Option(help="Optimizer steps per fold.")]
Seed = Annotated[int | None, typer.Option(help="Random seed.", show_default="0")]
Repeat = Annotated[
    str | None,
    typer.Option(
        metavar="RUN_ID",
        help="Repeat a run: its data, configuration and plan.",
        autocompletion=complete_run,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the newest unfinished run.")]


def run(
    name: Name,
    folds: Folds = None,
    fold: Fold = None,
    data: Data = None,
    sample: Sample = False,
    budget: Budget = None,
    max_steps: MaxSteps = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    config: ConfigFile = None,
    set_: Sets = None,
    weights: Weights = None,
    pretrained: Pretrained = None,
    skip_bad: SkipBad = False,
    repeat: Repeat = None,
    resume: Resume = False,
    jobs: Jobs = None,
    on: On = "",
    node_data: NodeData = "",
    gpus: Gpus = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Cross-validate, predict, and write a checked submission."""
    from comp.contract import registry
    from comp.pipeline.request import new_request, user_keys

    competition = registry.get(name)
    workspace, placement = Workspace.at(Path.cwd(), out), placed(jobs, on, gpus, node_data)
    flags: dict[str, Any] = {"folds": folds, "budget": budget, "max_steps": max_steps}
    flags |= {"seed": seed, "device": device, "precision": precision}
    layer = given_config(config, set_)
    keys = user_keys(layer, weights=weights, pretrained=pretrained, **flags)
    if resume:
        refused = {"sample": sample, "fold": fold, "repeat": repeat, "skip-bad": skip_bad}
        _refuse([flag for flag, value in refused.items() if value])
        return _resume(name, workspace, keys, data, json, placement)
    request = new_request(
        competition,
        workspace,
        keys,
        data=data,
        synthetic=sample,
        folds=fold or (),
        repeat=repeat,
        skip_bad=skip_bad,
        placement=placement,
    )
    return _run(request, json)


def _refuse(flags: Sequence[str]) -> None:
    """Refuse flags that cannot change a run after its start.

    Raises:
        ConfigError: naming them.
    """
    from comp.errors import ConfigError

    if flags:
        named = ", ".join(f"--{flag}" for flag in flags)
        raise ConfigError(f"--resume cannot change how a run started: leave out {named}")


def _resume(
    name: str,
    workspace: Workspace,
    keys: Mapping[str, Any],
    data: Path | None,
    json: bool,
    placement: Placement,
) -> None:
    """Resume the newest unfinished run of a competition."""
    from comp.cli.resume import resume_and_report
    from comp.runs.newest import newest_unfinished

    folder = newest_unfinished(workspace, name)
    resume_and_report(folder, workspace, keys, data, json, placement)


def _run(request: RunRequest, json: bool) -> None:
    request.check()
    waited_s = _offer_download(request, to_stderr=json)

    from comp.calls.after import report_on
    from comp.report.terminal import TerminalReporter

    with stoppable(), TerminalReporter(request.competition.metric, to_stderr=json) as reporter:
        summary = request.run(reporter, began=STARTED_AT + waited_s)
        reporter.summary(summary)
        report = report_on(summary.run_dir, reporter, summary.seconds)
    if json:
        print_json(asdict(summary) | {"report": report})


def _offer_download(request: RunRequest, to_stderr: bool) -> float:
    """Offer to download the data if it is missing and Kaggle credentials exist.

    If no user can answer, print which command downloads it. Returns the seconds that this took,
    which do not count in a budget.
    """
    from comp.kaggle.client.credentials import find_credentials
    from comp.streams import ask, can_ask

    name, workspace = request.competition.name, request.workspace
    if request.data or request.synthetic or workspace.has_data(name) or not find_credentials():
        return 0.0
    asked_at = time.perf_counter()
    missing = f"no data in data/{name}"
    stream = sys.stderr if to_stderr else sys.stdout
    if not can_ask(stream):
        typer.echo(
            f"{missing}: 'comp download {name}' downloads it; this run uses synthetic data",
            err=to_stderr,
        )
    elif ask(f"{missing}: download it from Kaggle now", stream):
        _download(name, workspace, to_stderr)
    return time.perf_counter() - asked_at


def _download(name: str, workspace: Workspace, to_stderr: bool) -> None:
    from comp.cli.download import TIMEOUT, download_and_report
    from comp.cli.timeouts import seconds
    from comp.kaggle.download_request import download_request

    request = download_request(name, workspace)
    download_and_report(request, workspace, seconds(TIMEOUT), to_stderr)
