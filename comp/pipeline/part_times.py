"""The seconds of the parts of a run with a budget: as planned, and as they were.

run.json contains them, so that a budget that does not hold shows which part took longer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from comp.pipeline.ensemble import summarize
from comp.pipeline.fold_time import COST, planned_parts
from comp.pipeline.members import read_result
from comp.pipeline.placed import JOBS
from comp.pipeline.report_time import report_seconds
from comp.pipeline.run_inputs import RunContext
from comp.runs.folder import RunFolder
from comp.runs.results import FoldResult, RunSummary

RECORD = "seconds_of_parts"
"""The key of run.json: {"planned": seconds by part, "taken": seconds by part}. Of several folds and
seeds, the seconds are added up."""
START, MEASURING, REPORT = "start", "measuring", "report"
FOLD_PARTS = ("setup", "training", "validation", "prediction")
"""The parts of a fold before its submission."""


def parts_before(began: float, prepared: float, measured: float) -> dict[str, Any]:
    """What run.json contains when the folds start: the seconds before, which nothing plans.

    Args:
        began, prepared, measured: when the command began, the inputs were ready, and the cost of a
            fold was measured.
    """
    return {RECORD: {"taken": {START: prepared - began, MEASURING: measured - prepared}}}


def summarized(
    context: RunContext, results: Sequence[FoldResult], n_rows: int, began: float
) -> RunSummary:
    """The scores of a run, as `summarize`, with the seconds of its parts in run.json."""
    started = time.perf_counter()
    summary = summarize(context, results, n_rows, began)
    ended = time.perf_counter()
    record_parts(context, ended - began, ended - started)
    return summary


def record_parts(context: RunContext, seconds: float, scores_s: float) -> None:
    """Record the parts of a run whose folds are finished, if it has a budget.

    Args:
        seconds: since the command began, without the report.
        scores_s: of the scores of the run.
    """
    inputs, folder = context.inputs, context.folder
    if not inputs.config.budget:
        return
    record = folder.record()
    taken: dict[str, float] = dict((record.get(RECORD) or {}).get("taken") or {})
    found = (read_result(folder.fold(fold), inputs.config) for fold in inputs.folds_to_train)
    for result in filter(None, found):
        parts = (result.setup_s, result.fit_s - result.validate_s + result.estimate_s)
        for name, part_s in zip(
            FOLD_PARTS, (*parts, result.validate_s, result.predict_s), strict=True
        ):
            taken[name] = taken.get(name, 0.0) + part_s
    if JOBS not in record:  # folds at the same time take less than the sum of their seconds
        taken["submission"] = max(0.0, seconds - scores_s - sum(taken.values()))
    planned = planned_parts(record)
    if planned:
        planned |= {"scores": record[COST]["reserve_s"], REPORT: report_seconds(inputs)}
    _update(folder, {"planned": planned, "taken": taken | {"scores": scores_s}})


def record_report(folder: RunFolder, seconds: float) -> None:
    """Record the seconds of the report, in a run with a budget."""
    found = folder.record().get(RECORD)
    if found:
        _update(folder, {**found, "taken": {**found["taken"], REPORT: seconds}})


def _update(folder: RunFolder, parts: Mapping[str, Mapping[str, float]]) -> None:
    rounded = {
        kind: {name: round(value, 3) for name, value in each.items()}
        for kind, each in parts.items()
    }
    folder.update_record(**{RECORD: rounded})
