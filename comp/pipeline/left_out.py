"""Trains the folds that a run left out: `comp resume RUN --folds rest`, or `--folds 3,4`.

The new folds have the configuration and the length of the finished ones: without a budget both come
from the configuration, and a budget of the run is extended by what they take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any

from comp.config.schema import RunConfig
from comp.errors import RunError
from comp.pipeline.fold_numbers import MoreFolds, check_fold_numbers
from comp.pipeline.full_model import RECORD as FULL
from comp.pipeline.full_model import is_finished
from comp.pipeline.members import network_names, read_result
from comp.pipeline.pseudo_labels import read_pointer
from comp.runs.folder import RunFolder
from comp.runs.results import FoldResult

RECORD = "extended"
"""The key of run.json with the folds that were added, and by how many seconds they extend the
budget."""
MARGIN = 2.0
"""The budget is extended by this many times the seconds of a finished fold, so that a model that
stops by itself is not cut short."""


def with_folds(
    folder: RunFolder, record: Mapping[str, Any], config: RunConfig, more: MoreFolds
) -> dict[str, Any]:
    """The contents of run.json, with `more` folds and without them in `left_out`; writes nothing.

    Raises:
        FoldError: there is no such fold.
        RunError: no fold is left out, or one is already trained.
    """
    covered, every = list(record["folds"]), range(config.folds)
    if more == "rest":
        new = [fold for fold in every if fold not in covered]
        whole = not config.full or is_finished(folder, config)
        if not new and whole and record.get("state") == "finished":
            raise RunError(f"run {folder.run_id} has all {config.folds} folds: nothing is left out")
    else:
        new = [fold for fold in more if fold not in covered]
        _check_numbers(folder, config, more)
    _check_pseudo(folder, config, new)
    left_out = [fold for fold in record.get("left_out") or () if fold not in new]
    return {**record, "folds": sorted({*covered, *new}), "left_out": left_out}


def _check_numbers(folder: RunFolder, config: RunConfig, more: Sequence[int]) -> None:
    check_fold_numbers(more, config.folds)
    for fold in more:
        if read_result(folder.fold(fold), config) is not None:
            raise RunError(
                f"fold {fold} of run {folder.run_id} is already trained: leave it out of --folds"
            )


def _check_pseudo(folder: RunFolder, config: RunConfig, new: Sequence[int]) -> None:
    """Check that the run has pseudo-labels of the new folds, if it trains with some."""
    if config.pseudo.run is None:
        return
    unlabelled = [fold for fold in new if fold not in read_pointer(folder.reader_folder)[1]]
    if unlabelled:
        raise RunError(
            f"run {folder.run_id} has no pseudo-labels for fold {unlabelled[0]}: train it with "
            f"'comp run {config.competition} --fold {unlabelled[0]}' and the same settings, and "
            "join the runs with 'comp gather'"
        )


@contextmanager
def still_finished_on_error(folder: RunFolder, record: Mapping[str, Any]) -> Iterator[None]:
    """Let a finished run stay finished if the block fails before `start` records its new folds.

    Args:
        record: the contents of run.json before the block.
    """
    try:
        yield
    except BaseException:
        if record.get("state") == "finished":
            now = folder.record()
            same = now.get("folds") == record["folds"] and now.get(RECORD) == record.get(RECORD)
            if same and now.get("state") in ("failed", "interrupted"):
                folder.update_record(state="finished", reason=None)
        raise


def start(
    folder: RunFolder, record: Mapping[str, Any], config: RunConfig, began: float
) -> dict[str, Any]:
    """Record in run.json that a run trains the folds of `record`, and the steps of the new ones.

    Args:
        record: of `with_folds`.
        began: `time.perf_counter()` when the run's budget began to count, without what earlier
            added folds extend it.

    Returns:
        The new contents of run.json.

    Raises:
        RunError: the length of the new folds is not known, because the run has a budget and no fold
            is finished.
    """
    before = folder.record("folds", "plan")
    results = [r for r in (read_result(folder.fold(f), config) for f in record["folds"]) if r]
    new = [fold for fold in record["folds"] if fold not in before["folds"]]
    added = [*((before.get(RECORD) or {}).get("folds") or ()), *new]
    changes: dict[str, Any] = {"folds": record["folds"], RECORD: {"folds": added}}
    if before.get("left_out"):
        changes["left_out"] = record["left_out"]
    if config.budget:
        steps, seconds = _within_more_time(folder, before, config, new, results, began)
        changes |= {"plan": steps, RECORD: {"folds": added, "seconds": seconds}}
    full = before.get(FULL)
    if full and is_finished(folder, config):
        weight = float(full["weight"])
        changes[FULL] = full | {"share": weight / (len(record["folds"]) + weight)}
    folder.update_record(**changes)
    (folder.path / "grade.json").unlink(missing_ok=True)  # of predictions that change
    return folder.record("plan")


def _within_more_time(
    folder: RunFolder,
    record: Mapping[str, Any],
    config: RunConfig,
    new: Sequence[int],
    results: Sequence[FoldResult],
    began: float,
) -> tuple[dict[int, int], float]:
    """The plan with the new folds, and the seconds by which all added folds extend the budget."""
    assert config.budget
    if not results:
        raise RunError(
            f"no fold of run {folder.run_id} is finished, so the length of the others is not "
            f"known: resume it first with 'comp resume {folder.run_id}'"
        )
    plan = dict(record["plan"])
    if network_names(config):
        steps = max(1, round(fmean(result.planned for result in results)))
        plan |= {fold: plan.get(fold, steps) for fold in new}
    trainings = len(new) + bool(config.full and not is_finished(folder, config))
    fold_s = fmean(result.seconds for result in results)
    left = config.budget + seconds_more(record) - (time.perf_counter() - began)
    return plan, seconds_more(record) + max(0.0, -left) + MARGIN * trainings * fold_s


def seconds_more(record: Mapping[str, Any]) -> float:
    """By how many seconds the added folds extend the budget of a run."""
    return float((record.get(RECORD) or {}).get("seconds", 0.0))
