"""`comp plan`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.cli.configuration import given_config
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
)
from comp.cli.run import Budget, Fold, Folds, MaxSteps, Seed
from comp.cli.started import STARTED_AT
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.request import RunRequest


def plan(
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
    out: Out = None,
    json: Json = False,
) -> None:
    """Say what a run would take: time, steps and memory."""
    from comp.contract import registry
    from comp.pipeline.request import new_request, user_keys

    flags: dict[str, Any] = {"folds": folds, "budget": budget, "max_steps": max_steps}
    flags |= {"seed": seed, "device": device, "precision": precision}
    request = new_request(
        registry.get(name),
        Workspace.at(Path.cwd(), out),
        user_keys(given_config(config, set_), weights=weights, pretrained=pretrained, **flags),
        data=data,
        synthetic=sample,
        folds=fold or (),
        skip_bad=skip_bad,
    )
    _plan(request, json)


def _plan(request: RunRequest, json: bool) -> None:
    """Measure, and show the plan."""
    request.check()

    from comp.pipeline.plan import plan as make_plan
    from comp.report.plan import PlanReporter, show_plan

    with stoppable(), PlanReporter(request.competition.metric, to_stderr=json) as reporter:
        started = time.perf_counter()
        request.load()  # unpacks or draws the data, which the run then finds
        unpacking_s = time.perf_counter() - started
        source, config = request.load()
        result = make_plan(
            config,
            source,
            request.workspace,
            reporter,
            only=request.folds,
            began=STARTED_AT + unpacking_s,
            skip_bad=request.skip_bad,
            on_measure=reporter.measuring,
        )
        reporter.remove_bar()
    show_plan(result, to_stderr=json)
    if json:
        print_json(asdict(result))
