"""A study of trials, for the command line and for Python."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from comp.config.durations import parse_duration
from comp.config.placement import Placement
from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import ConfigError, RunError
from comp.pipeline.fold_numbers import fold_numbers
from comp.pipeline.request import (
    RunRequest,
    config_keys,
    new_request,
    refuse_with_resume,
    user_keys,
)
from comp.signals import Stopped, handle_signals
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.tuning.result import TuneResult
    from comp.tuning.settings import TuneOptions

PathLike = str | os.PathLike[str]
TRIALS = 20
"""Trials of a study, if the user gives no number."""


def tune(
    competition: str,
    *,
    space: PathLike | Mapping[str, Any] | None = None,
    trials: int | None = None,
    budget: str | float | None = None,
    study: str | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    resume: bool = False,
    folds: int | None = None,
    fold: SupportsIndex | Sequence[SupportsIndex] | None = None,
    data: PathLike | None = None,
    synthetic: bool = False,
    max_steps: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    config: PathLike | Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    weights: PathLike | None = None,
    pretrained: bool | None = None,
    skip_bad: bool = False,
    jobs: int | None = None,
    on: str = "",
    out: PathLike | None = None,
    quiet: bool = False,
) -> TuneResult:
    """Search for better values of configuration keys, as `comp tune` does.

    The same call continues a study that was stopped. The result has `best_values`, `best_score`,
    `default_score`, `better`, `words`, `config` (a TOML file for `comp run --config`), `picture`
    and `trials`.

    Args:
        space: a TOML file, or nested keys such as `{"optim": {"lr": {"low": 1e-4, "high": 0.01,
            "log": True}}}`; if None the space of the task.
        trials: of the whole study, 20 if None; the configuration itself is the first.
        budget: wall-clock time of the whole call: "30m", or a number of seconds.
        study: name of the study; if None one that follows from its settings.
        sampler: tpe, gp, random or grid; if None tpe.
        pruner: asha, hyperband, median, folds or none; if None asha, and none for gp.
        resume: continue `study`, or the newest unfinished one, with its own settings; only
            `trials`, `budget`, `jobs`, `on` and `out` may be given with it.
        jobs: trials at the same time; None: one for each GPU, and one on the CPU.
        on: a Ray cluster: "ray", or "ray://HOST:PORT".
        folds: as in `comp.run`, with the other arguments.

    Raises:
        CompError: the space, the configuration or the data is wrong.
        Stopped: an interrupt or SIGTERM stopped the study; its trials are saved.
    """
    began = time.perf_counter()
    from comp.report.libraries import quiet_libraries

    quiet_libraries()
    workspace = Workspace.at(Path.cwd(), _absolute(out))
    options = tune_options(space, trials, budget_seconds(budget), study, sampler, pruner)
    chosen, place = registry.get(competition), Placement(jobs=jobs, on=on)
    flags: dict[str, Any] = {"folds": folds, "max_steps": max_steps, "seed": seed}
    flags |= {"device": device, "precision": precision, "pretrained": pretrained}
    if resume:
        own = {"space": space, "sampler": sampler, "pruner": pruner, "fold": fold, "data": data}
        own |= {"synthetic": synthetic, "config": config, "set": set, "weights": weights}
        refuse_with_resume("study", {**own, "skip_bad": skip_bad, **flags})
        request, options = resumed(chosen, workspace, options, trials)
    else:
        layer = config_keys(config if isinstance(config, Mapping) else _path(config), set)
        keys = user_keys(layer, weights=_path(weights), **flags)
        more: dict[str, Any] = {"data": _path(data), "synthetic": synthetic, "skip_bad": skip_bad}
        request = new_request(chosen, workspace, keys, folds=fold_numbers(fold), **more)
    return tune_and_show(request, options, place, began, quiet=quiet)


def tune_options(
    space: PathLike | Mapping[str, Any] | None,
    trials: int | None,
    budget: float | None,
    study: str | None,
    sampler: str | None,
    pruner: str | None,
) -> TuneOptions:
    """The options of a study. The Gaussian process learns from complete trials only, so no trial
    is pruned for it if nothing is given."""
    from comp.tuning.settings import TuneOptions

    return TuneOptions(
        space=space if isinstance(space, Mapping) else _path(space),
        trials=TRIALS if trials is None else trials,
        budget=budget,
        study=study,
        sampler=sampler or "tpe",
        pruner=pruner or ("none" if sampler == "gp" else "asha"),
    )


def resumed(
    competition: Competition, workspace: Workspace, options: TuneOptions, trials: int | None
) -> tuple[RunRequest, TuneOptions]:
    """The request and the options of a study that exists.

    Args:
        options: `study` is its name, None for the newest that is not finished.
        trials: a new number of trials; None: that of the study.

    Raises:
        RunError: there is no such study.
    """
    from comp.tuning.folder import studies_of, study_folder
    from comp.tuning.optuna_study import check_installed
    from comp.tuning.unfinished import is_unfinished

    check_installed()
    if options.study:
        folders = [study_folder(workspace, competition.name, options.study)]
        folders = [folder for folder in folders if folder.exists()]
    else:
        known = studies_of(workspace, competition.name)
        folders = [folder for folder in known if trials is not None or is_unfinished(folder)]
    if not folders:
        what = f"study {options.study}" if options.study else "unfinished study"
        place = workspace.out / "tuning" / competition.name
        raise RunError(f"no {what} in {place}: start one without --resume")
    record = folders[-1].record()
    asked, identity = record["request"], record["identity"]
    request = new_request(
        competition,
        workspace,
        asked["keys"],
        data=Path(asked["data"]) if asked["data"] else None,
        synthetic=asked["synthetic"],
        folds=asked["folds"],
        skip_bad=asked["skip_bad"],
    )
    same = replace(
        options,
        space=nested_space(identity["space"]),
        trials=record["trials"] if trials is None else trials,
        study=folders[-1].name,
        sampler=identity["sampler"],
        pruner=identity["pruner"],
    )
    return request, same


def nested_space(record: Mapping[str, Any]) -> dict[str, Any]:
    """The nested keys of a recorded space."""
    from comp.config.nesting import merge, nested

    result: dict[str, Any] = {}
    for key, entry in record.items():
        result = merge(result, nested(key, entry))
    return result


def tune_and_show(
    request: RunRequest,
    options: TuneOptions,
    placement: Placement,
    began: float,
    *,
    quiet: bool = False,
    to_stderr: bool = False,
) -> TuneResult:
    """Run a study and show it.

    Raises:
        Stopped: with the command that continues the study.
    """
    from comp.tuning.progress import SilentStudy
    from comp.tuning.terminal import TuneReporter
    from comp.tuning.tune import tune as compute

    try:
        with handle_signals():
            if quiet:
                return compute(request, options, SilentStudy(), began=began, placement=placement)
            with TuneReporter(request.competition.metric, to_stderr) as reporter:
                result = compute(request, options, reporter, began=began, placement=placement)
                reporter.result(result)
                return result
    except Stopped as stopped:
        number = stopped.number
    raise _stopped(number, request, options)


def _stopped(number: int, request: RunRequest, options: TuneOptions) -> Stopped:
    """A signal's message. It is a new exception: the traceback of the first keeps models alive."""
    stopped, name = Stopped(number), request.competition.name
    study = f" --study {options.study}" if options.study else ""
    out = request.workspace.out
    where = "" if out == request.workspace.root else f" --out {out}"
    stopped.args = (
        f"stopped by {signal.Signals(number).name}: finished trials are saved; continue with "
        f"'comp tune {name} --resume{study}{where}'",
    )
    return stopped


def budget_seconds(budget: str | float | None) -> float | None:
    """A budget in seconds.

    Raises:
        ConfigError: it is not a duration above 0.
    """
    try:
        seconds = parse_duration(budget)
    except ValueError as error:
        raise ConfigError(f"budget = {budget!r}: {error}") from None
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError(f"budget = {budget!r}: give a duration such as 30m")
    return float(seconds)


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path).expanduser()


def _absolute(path: PathLike | None) -> Path | None:
    return Path(path).expanduser().absolute() if path else None
