"""`comp pseudo`."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Device,
    Json,
    Precision,
    RunId,
    Runs,
    Sets,
    SkipBad,
    print_json,
)
from comp.cli.run import Budget, Fold, MaxSteps
from comp.cli.started import STARTED_AT
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.request import RunRequest
    from comp.runs.results import RunSummary


def pseudo(
    run_id: RunId,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip whose test samples get labels.", show_default="the run's data"
        ),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Least probability of a label, such as 0.9.")
    ] = None,
    weight: Annotated[
        float | None, typer.Option(help="Weight of a label in the loss.", show_default="1")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="New runs, each with the labels of the one before.")
    ] = 1,
    fold: Fold = None,
    budget: Budget = None,
    max_steps: MaxSteps = None,
    device: Device = None,
    precision: Precision = None,
    config: ConfigFile = None,
    set_: Sets = None,
    runs: Runs = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Train again with labels that a run predicts.

    Fold k gets the labels of the models of fold k alone: they never saw its held-out samples.
    """
    from comp.calls.pseudo import pseudo_keys, pseudo_request
    from comp.config.nesting import merge
    from comp.pipeline.request import user_keys

    workspace = Workspace.at(Path.cwd(), runs)
    flags: dict[str, Any] = {"budget": budget, "max_steps": max_steps}
    flags |= {"device": device, "precision": precision}
    keys = merge(user_keys(given_config(config, set_), **flags), pseudo_keys(confidence, weight))
    label = partial(pseudo_request, data=data, folds=fold or (), skip_bad=skip_bad)
    began = STARTED_AT
    for _ in range(rounds):
        request = label(run_id, workspace, keys)
        request.check()
        summary = _trained(request, began, json)
        run_id, began = summary.run_id, time.perf_counter()


def _trained(request: RunRequest, began: float, json: bool) -> RunSummary:
    from comp.calls.after import report_on
    from comp.report.terminal import TerminalReporter

    with stoppable(), TerminalReporter(request.competition.metric, to_stderr=json) as reporter:
        summary = request.run(reporter, began)
        reporter.summary(summary)
        report = report_on(summary.run_dir, reporter, summary.seconds)
        reporter.note(f"better? comp compare {request.repeats['run_id']} {summary.run_id}")
    if json:
        print_json(asdict(summary) | {"report": report})
    return summary
