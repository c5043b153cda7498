"""A new run with the pseudo-labels of a finished one, for the command line and for Python."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

from comp.config.nesting import merge
from comp.contract import registry
from comp.errors import ConfigError, DataError
from comp.pipeline.fold_numbers import fold_numbers
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.request import RunRequest, config_keys, user_keys
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

PathLike = str | os.PathLike[str]


def pseudo_request(
    run_id: str,
    workspace: Workspace,
    keys: Mapping[str, Any],
    *,
    data: Path | None = None,
    folds: Sequence[int] = (),
    skip_bad: bool = False,
) -> RunRequest:
    """The request for a run with the configuration, data and folds of a finished one, which trains
    on unlabelled samples too.

    Args:
        run_id: the finished run, or a unique beginning of its id.
        keys: configuration keys that differ from those of the run, nested.
        data: other unlabelled data; None: the test samples of the run.
        folds: the folds to train; those of the run if empty.
        skip_bad: leave out images that cannot be decoded, as the run did if it left some out.

    Raises:
        RunError: there is no such run, it is not finished, or it is a blend.
        DataError: `data` does not exist.
    """
    from comp.pipeline.pseudo_source import open_run

    folder, record = open_run(run_id, workspace)
    if data is not None and not data.exists():
        raise DataError(f"no data at {data}: give a folder, or a zip, of unlabelled samples")
    recorded = dict(record["config"])
    fold_seed = recorded.get("fold_seed")
    same_folds = recorded.get("seed", 0) if fold_seed is None else fold_seed
    own: dict[str, Any] = {"pseudo": {"run": folder.run_id}}
    if data is not None:
        own["pseudo"]["data"] = str(data.absolute())
    same = {"fold_seed": same_folds, "pseudo": {"data": None}}
    return RunRequest(
        competition=registry.get(record["competition"]),
        workspace=workspace,
        keys=merge(merge(same, dict(keys)), own),
        recorded=recorded,
        repeats=record,
        data=None if record["synthetic"] else Path(record["data"]),
        synthetic=record["synthetic"],
        folds=folds or record["folds"],
        skip_bad=skip_bad or bool(record.get("skipped")),
    )


def pseudo_keys(confidence: float | None, weight: float | None) -> dict[str, Any]:
    """The keys of the section `pseudo` that a command gives."""
    values = {"confidence": confidence, "weight": weight}
    given = {key: value for key, value in values.items() if value is not None}
    return {"pseudo": given} if given else {}


@in_rank_0
def pseudo(
    run: Run | str,
    *,
    data: PathLike | None = None,
    confidence: float | None = None,
    weight: float | None = None,
    rounds: int = 1,
    fold: SupportsIndex | Sequence[SupportsIndex] | None = None,
    set: Mapping[str, Any] | None = None,
    runs: PathLike | None = None,
    skip_bad: bool = False,
    quiet: bool = False,
) -> Run:
    """Train again, with unlabelled samples that a finished run has labelled, as `comp pseudo` does.

    Fold k gets the labels of the models of fold k alone, so its held-out samples stay unseen.

    Args:
        run: a finished run, its id, or a unique beginning of its id.
        data: folder or zip whose test samples get the labels; the run's test samples if None.
        confidence: take only samples with at least this probability of a class.
        weight: weight of a pseudo-labelled sample in the loss.
        rounds: new runs, each with the labels of the one before.
        fold: the folds to train (0-based); those of the run if None.
        set: dotted keys such as `{"pseudo.most": 1.0}`.
        runs: the `out` of the runs; the current folder if None.
        skip_bad: leave out images that cannot be decoded.
        quiet: print nothing.

    Raises:
        CompError: the run cannot label, or no label is left.
        Stopped: a signal stopped the new run; its state is saved.
    """
    began = time.perf_counter()
    check_rounds(rounds)
    keys = merge(user_keys(config_keys(None, set)), pseudo_keys(confidence, weight))
    out = Path(runs).expanduser().absolute() if runs else None
    workspace = run.workspace if isinstance(run, Run) else Workspace.at(Path.cwd(), out)
    name = run.run_id if isinstance(run, Run) else run
    folds = fold_numbers(fold)
    unlabelled = None if data is None else Path(data).expanduser()
    quiet_libraries()
    for _ in range(rounds):
        request = pseudo_request(
            name, workspace, keys, data=unlabelled, folds=folds, skip_bad=skip_bad
        )
        request.check()
        trained = _trained(request, quiet, began)
        name, began = trained.run_id, time.perf_counter()
    return trained


def check_rounds(rounds: int) -> None:
    """Raise ConfigError unless there is at least one round."""
    if rounds < 1:
        raise ConfigError(f"rounds = {rounds}: give 1 or more")


def _trained(request: RunRequest, quiet: bool, began: float) -> Run:
    from comp.calls.run import run_and_show

    return run_and_show(request.competition, lambda reporter: request.run(reporter, began), quiet)
