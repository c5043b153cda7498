"""`comp race`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
    Out,
    Precision,
    Sample,
    Sets,
    SkipBad,
    print_json,
)
from comp.cli.run import Folds, Seed
from comp.cli.started import STARTED_AT
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.contract.competition import Competition
    from comp.racing.call import Raced

Budget = Annotated[
    str | None,
    typer.Option(help="Wall-clock time of the race and its run: 30m, 2h.", show_default=False),
]
WeightsFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--weights",
        metavar="PATH",
        help="File of pretrained weights, named as its backbone, or a folder (repeatable).",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the newest unfinished race.")]


def race(
    name: Name,
    budget: Budget = None,
    weights: WeightsFiles = None,
    resume: Resume = False,
    folds: Folds = None,
    data: Data = None,
    sample: Sample = False,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    config: ConfigFile = None,
    set_: Sets = None,
    skip_bad: SkipBad = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """Compare backbones, sizes and rates, and run the best."""
    from comp.contract import registry

    competition, workspace = registry.get(name), Workspace.at(Path.cwd(), out)
    flags: dict[str, Any] = {"folds": folds, "budget": budget, "seed": seed}
    flags |= {"device": device, "precision": precision}
    layer = given_config(config, set_)
    if resume:
        given = {"weights": weights, "data": data, "sample": sample, "skip-bad": skip_bad, **flags}
        given |= {"config": config, "set": set_}
        _refuse([flag for flag, value in given.items() if value or type(value) is int])
        return _report(competition, json, workspace=workspace)
    from comp.pipeline.request import new_request, user_keys
    from comp.racing.call import check_request

    keys = user_keys(layer, **flags)
    request = new_request(
        competition, workspace, keys, data=data, synthetic=sample, skip_bad=skip_bad
    )
    check_request(request)
    return _report(competition, json, request=request, weights=weights or ())


def _refuse(flags: list[str]) -> None:
    """Refuse flags that cannot change a race after its start.

    Raises:
        ConfigError: naming them.
    """
    from comp.errors import ConfigError

    if flags:
        named = ", ".join(f"--{flag}" for flag in flags)
        raise ConfigError(f"--resume continues a race with its own settings: leave out {named}")


def _report(competition: Competition, json: bool, **job: Any) -> None:
    """Do the race and print it."""
    from comp.racing.call import show
    from comp.report.terminal import TerminalReporter

    with stoppable(), TerminalReporter(competition.metric, to_stderr=json) as reporter:
        result, summary = _race(competition.name, reporter, job)
        show(result, summary, reporter, to_stderr=json)
    if json:
        print_json({"race": asdict(result), "run": asdict(summary) if summary else None})


def _race(name: str, reporter: Any, job: Mapping[str, Any]) -> Raced:
    if "request" in job:
        from comp.racing.call import start_race

        return start_race(job["request"], job["weights"], STARTED_AT, reporter)
    from comp.racing.folder import newest_unfinished_race
    from comp.racing.race import resume_race

    workspace = job["workspace"]
    folder = newest_unfinished_race(workspace, name)
    return resume_race(folder, workspace, reporter, STARTED_AT)
