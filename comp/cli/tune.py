"""`comp tune`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
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
from comp.cli.run import Budget, Fold, Folds, MaxSteps, Seed
from comp.cli.started import STARTED_AT
from comp.workspace import Workspace

SpaceFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="Keys to tune, with ranges or choices.",
        show_default="keys of the task",
    ),
]
TRIALS = 20
Trials = Annotated[int | None, typer.Option(help="Trials of the study.", show_default=str(TRIALS))]
Study = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name of the study.", show_default="by its settings"),
]
Sampler = Annotated[str | None, typer.Option(help="tpe, gp, random or grid.", show_default="tpe")]
Pruner = Annotated[
    str | None,
    typer.Option(help="asha, hyperband, median, folds or none.", show_default="asha; none for gp"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the newest unfinished study, or --study.")
]
TrialJobs = Annotated[
    int | None,
    typer.Option(help="Trials at the same time.", show_default="one for each GPU, 1 on the CPU"),
]


def tune(
    name: Name,
    space: SpaceFile = None,
    trials: Trials = None,
    budget: Budget = None,
    study: Study = None,
    sampler: Sampler = None,
    pruner: Pruner = None,
    resume: Resume = False,
    jobs: TrialJobs = None,
    on: On = "",
    folds: Folds = None,
    fold: Fold = None,
    data: Data = None,
    sample: Sample = False,
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
    """Search for better values of keys, in trials.

    The same command continues a study that was stopped; several at once share its trials.
    """
    from comp.pipeline.request import user_keys
    from comp.tuning.call import budget_seconds, tune_options

    options = tune_options(space, trials, budget_seconds(budget), study, sampler, pruner)
    flags: dict[str, Any] = {"folds": folds, "max_steps": max_steps, "seed": seed}
    flags |= {"device": device, "precision": precision, "weights": weights}
    asked: dict[str, Any] = {"fold": fold, "data": data, "sample": sample, "skip_bad": skip_bad}
    workspace = Workspace.at(Path.cwd(), out)
    if resume:
        given = {"space": space, "sampler": sampler, "pruner": pruner, **asked, **flags}
        given |= {"no_pretrained" if pretrained is False else "pretrained": pretrained is not None}
        given |= {"config": config, "set": set_}
        request, options = _resumed(name, workspace, options, trials, given)
    else:
        keys = user_keys(given_config(config, set_), pretrained=pretrained, **flags)
        request = _request(name, workspace, keys, asked)
    _run(request, options, jobs, on, json)


def _request(name: str, workspace: Workspace, keys: Any, asked: dict[str, Any]) -> Any:
    """The request of a new study, or of one with the same settings."""
    from comp.contract import registry
    from comp.pipeline.request import new_request

    return new_request(
        registry.get(name),
        workspace,
        keys,
        data=asked["data"],
        synthetic=asked["sample"],
        folds=asked["fold"] or (),
        skip_bad=asked["skip_bad"],
    )


def _resumed(
    name: str, workspace: Workspace, options: Any, trials: int | None, given: dict[str, Any]
) -> Any:
    """The request and the options of a study that exists."""
    from comp.contract import registry
    from comp.tuning.call import resumed

    _refuse([option for option, value in given.items() if value or type(value) is int])
    return resumed(registry.get(name), workspace, options, trials)


def _run(request: Any, options: Any, jobs: int | None, on: str, json: bool) -> None:
    """Run the study and print its result."""
    from comp.config.placement import Placement

    result = _stoppable(request, options, Placement(jobs=jobs, on=on), json)
    if json:
        print_json(asdict(result))


def _refuse(given: list[str]) -> None:
    """Refuse options that a study has of its own.

    Raises:
        ConfigError: naming them.
    """
    from comp.errors import ConfigError

    if given:
        named = ", ".join(f"--{option.replace('_', '-')}" for option in given)
        raise ConfigError(f"--resume continues a study with its own settings: leave out {named}")


def _stoppable(request: Any, options: Any, placement: Any, to_stderr: bool) -> Any:
    """Run the study; a signal becomes its message and exit code.

    Raises:
        StoppedError: a signal came.
    """
    from comp.errors import StoppedError
    from comp.signals import Stopped
    from comp.tuning.call import tune_and_show

    try:
        return tune_and_show(request, options, placement, STARTED_AT, to_stderr=to_stderr)
    except Stopped as stopped:
        error = StoppedError(str(stopped.args[0]))
        error.exit_code = 128 + stopped.number
    raise error
