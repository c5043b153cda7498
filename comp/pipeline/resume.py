"""Resumes a run that was stopped by a signal, a crash or a full disk.

Finished folds are not trained again, and the fold that was stopped continues from its checkpoint.
On the CPU the weights, predictions and submission are those of an uninterrupted run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comp.config.placement import Placement
from comp.config.schema import RunConfig
from comp.contract import registry
from comp.data.folds import read_folds
from comp.data.location import DataSource, cached_synthetic_data, open_data
from comp.errors import DataError, RunError
from comp.pipeline.budget_folds import within_budget
from comp.pipeline.dropped import check_recorded
from comp.pipeline.fold_numbers import MoreFolds
from comp.pipeline.fold_time import planned_cost
from comp.pipeline.halved import halved_recorded
from comp.pipeline.left_out import seconds_more, start, still_finished_on_error, with_folds
from comp.pipeline.members import network_names, read_result
from comp.pipeline.notes import data_notes
from comp.pipeline.orphans import wait_for_orphans
from comp.pipeline.placed import run_engine
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.progress_file import progress_written
from comp.pipeline.report_time import readings_after
from comp.pipeline.resume_checks import (
    changes_text,
    check_data,
    check_value_range,
    check_weights,
    config_changes,
    resume_record,
    resumed_config,
    with_recorded_device,
)
from comp.pipeline.run import run_start
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run
from comp.pipeline.spent import seconds_spent
from comp.pipeline.timing import measure
from comp.pipeline.timing_tasks import timer
from comp.pipeline.train_folds import train_folds
from comp.pipeline.validation import check_recorded as check_validation
from comp.pipeline.validation import prepare_validation
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder
from comp.runs.lineage import check_has_models
from comp.runs.progress import Reporter
from comp.runs.results import FoldResult, RunSummary
from comp.trackers.tracked import tracked
from comp.training.budget import FoldCost, cost_of
from comp.training.checkpoint import META
from comp.workspace import Workspace

AGAIN = "blend its runs again with 'comp blend' if they changed"


def resume(
    folder: RunFolder,
    workspace: Workspace,
    reporter: Reporter,
    *,
    given: Mapping[str, Any] | None = None,
    data: Path | None = None,
    began: float | None = None,
    more: MoreFolds | None = None,
    placement: Placement | None = None,
) -> RunSummary:
    """Continue a run until it is finished.

    Args:
        given: configuration keys from the user. Their values must be those of the run, except for
            keys that do not change the training; such changes are recorded in run.json.
        data: a folder or zip with the run's data, if the data has moved.
        began: `time.perf_counter()` when the command began.
        more: folds that the run left out, which it trains too; also of a finished run.
        placement: where the folds train; None: as `Placement()` says.

    Raises:
        ConfigError: a key differs from the run's.
        DataError: the data is missing, or differs from the data of the run.
        DeviceError: this machine does not have the run's device or precision.
        RunError: the run is finished, or another process works on it.
        CompError: the training failed again.
    """
    began = time.perf_counter() if began is None else began
    record = folder.record(*NEEDED_TO_RESUME)
    check_has_models(folder.run_id, record, AGAIN)
    if record.get("state") == "finished" and more is None:
        raise RunError(f"run {folder.run_id} is already finished: nothing to resume")
    if folder.alive():
        raise folder.locked_error()
    plugin_notes = check_plugin(folder.run_id, record, registry.get(record["competition"]))
    config = resumed_config(record, given or {})
    changes = config_changes(record, config)
    wanted = record if more is None else with_folds(folder, record, config, more)
    config = with_recorded_device(config, record, reporter, placement.on if placement else "")
    unfinished = [fold for fold in wanted["folds"] if not read_result(folder.fold(fold), config)]
    with (
        still_finished_on_error(folder, record),
        folder.running(),
        halved_recorded(folder),
        run_engine(config, placement, max(1, len(unfinished)), resumes=True) as engine,
        progress_written(folder, registry.get(config.competition).metric, reporter) as reporter,
    ):
        wait_for_orphans(folder, reporter)
        slots = engine.slots if engine else 1
        source = source_of(record, workspace, data)
        inputs = _prepare(folder, wanted, config, source, workspace, reporter)
        began -= seconds_spent(folder, inputs, record)
        record = record if more is None else start(folder, wanted, config, began)
        began += seconds_more(record)
        cost = _recorded_cost(folder, inputs)
        if cost is None and config.budget and not record["plan"]:
            cost = measure(inputs, reporter, timer(engine))
            inputs = _within_budget(folder, inputs, cost, began, reporter, slots)
        resumed = [*(record.get("resumed") or []), resume_record(inputs)]
        folder.update_record(**changes, data=str(source.root), resumed=resumed)
        with tracked(config, folder, reporter) as reporter:
            reporter.run_started(run_start(inputs, folder, cost, slots))
            for text in [*plugin_notes, *changes_text(changes), *_input_notes(folder, inputs)]:
                reporter.note(text)
            context = RunContext.of(inputs, folder, workspace, reporter)
            return train_folds(context, record["plan"], cost, began, engine)


def _prepare(
    folder: RunFolder,
    record: Mapping[str, Any],
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
) -> RunInputs:
    """Prepare the inputs and check that they are those of the run."""
    skip_bad = bool(record.get("skipped") or (record.get("validation") or {}).get("skipped"))
    written = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    inputs = prepare_run(
        config,
        source,
        workspace,
        record["folds"],
        reporter,
        skip_bad,
        written,
        recorded=read_folds(folder.folds_csv),
        resumed=folder,
        any_time=True,
    )
    check_recorded(inputs.dropped, folder.run_id, record)
    check_data(inputs, folder, record, workspace.cache)
    check_value_range(inputs, folder)
    check_weights(inputs, record)
    check_validation(inputs.validation, record)
    inputs = prepare_validation(inputs, workspace, reporter, skip_bad)
    inputs.write_samples(folder)
    inputs.write_pointers(folder)
    return inputs


def source_of(
    record: Mapping[str, Any], workspace: Workspace, data: Path | None = None
) -> DataSource:
    """Return the data of a run: in its recorded folder, or in `data`. Synthetic data that no longer
    exists is drawn again.

    Raises:
        DataError: the data is missing, or `data` does not have the competition's layout.
    """
    competition, root = registry.get(record["competition"]), Path(record["data"])
    if data:
        root = open_data(competition, data, workspace).resolve()
    elif not root.is_dir() and record["synthetic"]:
        root = cached_synthetic_data(competition, workspace)
    if not root.is_dir():
        raise DataError(
            f"the data of the run is no longer in {root}: put it back, or give its new path with "
            "--data FOLDER or --data ZIP"
        )
    return DataSource(root, record["synthetic"])


def _within_budget(
    folder: RunFolder,
    inputs: RunInputs,
    cost: FoldCost | None,
    began: float,
    reporter: Reporter,
    slots: int,
) -> RunInputs:
    """The inputs with the folds that the budget has room for, recorded in the run."""
    if cost is None:
        return inputs
    left_out = folder.record().get("left_out", ())
    inputs = within_budget(replace(inputs, left_out=left_out), cost, began, reporter, slots)
    if len(inputs.left_out) > len(left_out):
        folder.update_record(folds=list(inputs.folds_to_train), left_out=inputs.left_out)
    return inputs


def _input_notes(folder: RunFolder, inputs: RunInputs) -> list[str]:
    """The notes on the data, and the folds that were finished and have to train again."""
    return data_notes(inputs) + [
        f"fold {fold} restarts: a file in {folder.fold(fold)} is missing or damaged"
        for fold in inputs.folds_to_train
        if (folder.fold(fold) / META).is_file() and _result(folder, inputs, fold) is None
    ]


def _result(folder: RunFolder, inputs: RunInputs, fold: int) -> FoldResult | None:
    return read_result(folder.fold(fold), inputs.config)


def _results(folder: RunFolder, inputs: RunInputs) -> list[FoldResult]:
    results = (_result(folder, inputs, fold) for fold in inputs.folds_to_train)
    return [result for result in results if result]


def _recorded_cost(folder: RunFolder, inputs: RunInputs) -> FoldCost | None:
    """What the last finished fold cost, or what the first one was planned to cost; None if no fold
    is planned."""
    results = _results(folder, inputs) if network_names(inputs.config) else []
    if not results:
        return planned_cost(folder)
    readings = readings_after(inputs.config)
    return cost_of(results[-1], results[-1].seconds, readings=readings)
