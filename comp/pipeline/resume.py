"""Going on with a run that was stopped, by a signal, a crash or a full disk.

Finished folds are never made again, and the one that was under way goes on from its saved state, so
that on the CPU the weights, predictions and submission are those of a run that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.data.location import Source, cached_synthetic_data, root_of
from comp.errors import DataError, RunError
from comp.pipeline.resume_checks import (
    changes_text,
    check_data,
    check_weights,
    config_changes,
    resume_record,
    resumed_config,
    with_recorded_device,
)
from comp.pipeline.run import finished_fold, measure, run_start, train_folds
from comp.pipeline.run_inputs import RunInputs, data_notes, prepare_run
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder
from comp.runs.progress import Reporter
from comp.runs.results import FoldResult, RunSummary
from comp.training.budget import FoldCost, cost_of
from comp.training.checkpoint import META
from comp.training.state import RESUME, read
from comp.workspace import Workspace


def resume(
    folder: RunFolder,
    workspace: Workspace,
    reporter: Reporter,
    *,
    given: Mapping[str, Any] | None = None,
    data: Path | None = None,
    began: float | None = None,
) -> RunSummary:
    """Go on with a run until it is finished.

    Args:
        given: configuration keys that the user gave again; they must say what the run's say,
            but for those that change nothing that is learnt, which are noted in run.json.
        data: a folder or zip with the run's data, where it is no longer where it was.
        began: `time.perf_counter()` when the command began.

    Raises:
        ConfigError: keys that differ from the run's.
        DataError: data that is not what the run was begun with.
        DeviceError: a device or a precision that the run began with and that is not here.
        RunError: a run that is finished, or that another process works on.
        CompError: whatever stops the run again.
    """
    began = time.perf_counter() if began is None else began
    record = folder.record(*NEEDED_TO_RESUME)
    if record.get("state") == "finished":
        raise RunError(f"run {folder.run_id} is finished: there is nothing to go on with")
    if folder.alive():
        raise RunError(f"another process works on run {folder.run_id}: wait for it")
    config = resumed_config(record, given or {})
    changes = config_changes(record, config)
    config = with_recorded_device(config, record, reporter)
    with folder.running():
        source = source_of(record, workspace, data)
        return _go_on(folder, record, config, changes, source, workspace, reporter, began)


def _go_on(
    folder: RunFolder,
    record: Mapping[str, Any],
    config: RunConfig,
    changes: Mapping[str, Any],
    source: Source,
    workspace: Workspace,
    reporter: Reporter,
    began: float,
) -> RunSummary:
    """Go on with a run that nobody else works on, and note what changed of its configuration."""
    skip = bool(record.get("skipped"))
    there = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    inputs = prepare_run(config, source, workspace, record["folds"], reporter, skip, there)
    check_data(inputs, folder, record)
    check_weights(inputs, record)
    inputs.images.write_pointer(folder.reader_folder)
    plan = record["plan"]
    began -= spent_s(folder, inputs)
    cost = _cost(inputs, folder)
    if cost is None and config.budget and not plan:
        cost = measure(inputs, began, reporter)
    reporter.run_started(run_start(inputs, folder, cost))
    folder.note(**changes)
    for words in [*changes_text(changes), *data_notes(inputs), *_remade(folder, inputs)]:
        reporter.note(words)
    folder.note(
        data=str(source.root), resumed=[*(record.get("resumed") or []), resume_record(inputs)]
    )
    return train_folds(inputs, folder, workspace, reporter, plan, cost, began)


def newest_unfinished(workspace: Workspace, competition: str | None = None) -> RunFolder:
    """The newest run that is neither finished, nor being worked on, nor damaged.

    Raises:
        RunError: when there is none.
    """
    found = sorted(workspace.out.glob(f"runs/{competition or '*'}/*/run.json"), reverse=True)
    for path in sorted(found, key=lambda path: path.parent.name, reverse=True):
        folder = RunFolder(path.parent)
        try:
            state = folder.record(*NEEDED_TO_RESUME).get("state")
        except RunError:
            continue
        if state != "finished" and not folder.alive():
            return folder
    whose = f" of {competition}" if competition else ""
    raise RunError(f"no unfinished run{whose} under {workspace.out / 'runs'}: nothing to resume")


def source_of(record: Mapping[str, Any], workspace: Workspace, data: Path | None = None) -> Source:
    """Where the data of a run stands: where it did, or in `data`; a sample is drawn again where it
    is gone.

    Raises:
        DataError: when it is gone, or `data` has not the competition's layout.
    """
    competition, root = registry.get(record["competition"]), Path(record["data"])
    if data:
        root = root_of(competition, data, workspace).resolve()
    elif not root.is_dir() and record["synthetic"]:
        root = cached_synthetic_data(competition, workspace)
    if not root.is_dir():
        raise DataError(
            f"the data of the run is gone from {root}: put it back, or say where it stands with "
            "--data FOLDER or ZIP"
        )
    return Source(root, record["synthetic"])


def _results(folder: RunFolder, inputs: RunInputs) -> list[FoldResult]:
    found = (finished_fold(folder, fold) for fold in inputs.chosen)
    return [result for result in found if result]


def _remade(folder: RunFolder, inputs: RunInputs) -> list[str]:
    """Which folds were finished and are made again, in words."""
    return [
        f"fold {fold} is made again: a file in {folder.fold(fold)} is missing or damaged"
        for fold in inputs.chosen
        if (folder.fold(fold) / META).is_file() and finished_fold(folder, fold) is None
    ]


def _cost(inputs: RunInputs, folder: RunFolder) -> FoldCost | None:
    """What a fold costs, from the last one that is finished."""
    results = _results(folder, inputs)
    return cost_of(results[-1], _seconds(results[-1])) if results else None


def _seconds(result: FoldResult) -> float:
    return result.setup_s + result.fit_s + result.predict_s


def spent_s(folder: RunFolder, inputs: RunInputs) -> float:
    """Seconds that the run's folds took before it was stopped, as far as they were kept."""
    open_folds = [fold for fold in inputs.chosen if finished_fold(folder, fold) is None]
    states = [read(folder.fold(fold) / RESUME) for fold in open_folds]
    under_way = sum(saved.seconds for saved in states if saved)
    return under_way + sum(map(_seconds, _results(folder, inputs)))
