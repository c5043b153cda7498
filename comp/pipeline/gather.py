"""Joins the folds of several runs into one run: `comp gather`.

The folds may come from other machines. Nothing is trained: their files are copied (or linked, on
one disk), and the predictions are joined, scored and submitted as at the end of a run.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.data.folds import read_folds
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource, open_data
from comp.errors import DataError
from comp.features.prepared import PreparedFeatures
from comp.pipeline.dropped import check_recorded
from comp.pipeline.ensemble import summarize, write_ensemble
from comp.pipeline.full_model import is_finished
from comp.pipeline.gather_folder import create_gathered_folder
from comp.pipeline.gather_runs import FoldRun, check_together, chosen_folds, read_fold_runs
from comp.pipeline.notes import data_notes
from comp.pipeline.preparation import Preparation
from comp.pipeline.resume import source_of
from comp.pipeline.resume_checks import check_data
from comp.pipeline.run import run_start
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run
from comp.pipeline.scored_apart import predict_apart
from comp.pipeline.validation import check_recorded as check_validation
from comp.pipeline.validation import prepare_validation
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.runs.results import RunSummary
from comp.signals import Stopped
from comp.workspace import Workspace


def gather(
    names: Sequence[str],
    workspace: Workspace,
    reporter: Reporter,
    *,
    data: Path | None = None,
) -> RunSummary:
    """Join the finished folds of runs into a new run.

    Args:
        names: folders of runs, folders that `comp run --out` wrote to, or ids of runs.
        data: a folder or zip with the data of the runs; None: where one of them found it, or the
            data of the workspace.

    Raises:
        CompError: the runs do not belong together, a fold is finished twice or not at all, or the
            data is missing; nothing is written.
    """
    started = time.perf_counter()
    runs = read_fold_runs(names, workspace)
    notes = check_together(runs)
    chosen = chosen_folds(runs)
    runs = [run for run in runs if run in chosen.values()]
    source = _find_data(runs, workspace, data)
    folder, more_notes = create_gathered_folder(chosen, runs, source, workspace)
    notes = [*_origins(chosen), *notes, *more_notes, *_missing(runs[0].config, chosen, folder)]
    seconds = sum(run.finished[fold].seconds for fold, run in chosen.items())
    began = started - seconds
    try:
        with folder.running():
            return _finish(folder, runs, chosen, source, workspace, reporter, notes, began)
    except BaseException as error:  # nothing is trained, so the folder is worth nothing
        if isinstance(error, Stopped):
            error.run = None
        shutil.rmtree(folder.path, ignore_errors=True)
        submission = workspace.submission(runs[0].competition.name, folder.run_id)
        with suppress(OSError):
            submission.unlink(missing_ok=True)
        raise


def _finish(
    folder: RunFolder,
    runs: Sequence[FoldRun],
    chosen: Mapping[int, FoldRun],
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    notes: Sequence[str],
    began: float,
) -> RunSummary:
    """Join the predictions of the folds, and score them."""
    inputs = _prepare(folder, runs, list(chosen), source, workspace, reporter)
    context = RunContext.of(inputs, folder, workspace, reporter)
    reporter.run_started(run_start(inputs, folder, None))
    for text in [*notes, *data_notes(inputs)]:
        reporter.note(text)
    results = [run.finished[fold] for fold, run in chosen.items()]
    for result in results:
        predict_apart(context, result.fold)
    if is_finished(folder, inputs.config):
        predict_apart(context, inputs.config.folds)
    n_rows = write_ensemble(context, results).n_rows
    for result in results:
        reporter.fold_done(result, context.submission)
    return summarize(context, results, n_rows, began)


def _find_data(runs: Sequence[FoldRun], workspace: Workspace, data: Path | None) -> DataSource:
    """The data of the runs, which may have come from machines with other folders.

    Raises:
        DataError: it is nowhere.
    """
    first, competition = runs[0].record, runs[0].competition
    if data:
        return source_of(first, workspace, data)
    for run in runs:
        with suppress(DataError):
            return source_of(run.record, workspace)
    if not first["synthetic"] and workspace.has_data(competition.name):
        root = open_data(competition, workspace.data(competition.name), workspace).resolve()
        return DataSource(root, False)
    raise DataError(
        f"the data of the runs is not on this machine (they had it in {first['data']}): give its "
        "path with --data FOLDER or --data ZIP"
    )


def _prepare(
    folder: RunFolder,
    runs: Sequence[FoldRun],
    folds: Sequence[int],
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
) -> RunInputs:
    """Prepare the inputs without decoding images, and check that they are those of the runs."""
    record = folder.record()
    skip_bad = bool(record.get("skipped") or (record.get("validation") or {}).get("skipped"))
    known = PreparedImages.read_pointer(folder.reader_folder)
    undecoded = Preparation(
        images=lambda *_, **__: known, features=lambda *_, **__: PreparedFeatures()
    )
    inputs = prepare_run(
        _config_here(runs[0].config, folder),
        source,
        workspace,
        folds,
        reporter,
        skip_bad,
        bytes_written=1 << 62,  # the folds are there
        preparation=undecoded,
        recorded=read_folds(folder.folds_csv),
        resumed=folder,
    )
    check_recorded(inputs.dropped, folder.run_id, record)
    check_data(inputs, folder, record, workspace.cache)
    check_validation(inputs.validation, record)
    inputs = prepare_validation(inputs, workspace, reporter, skip_bad)
    inputs.write_samples(folder)
    inputs.write_pointers(folder)
    kinds: dict[str, Any] = {
        key: ", ".join(dict.fromkeys(str(run.record.get(key)) for run in runs))
        for key in ("device", "precision")
    }
    return replace(inputs, weights_origin=None, **kinds)  # the folds have their weights


def _config_here(config: RunConfig, folder: RunFolder) -> RunConfig:
    """The configuration of the runs on this machine, which needs neither their device nor their
    pretrained weights: the folds have their own."""
    changes: dict[str, Any] = {"device": "auto", "precision": "auto"}
    if not set(config.model) & set(ESTIMATORS):
        changes |= {"pretrained": False, "weights": None}
    if config.folds_csv and not config.folds_csv.is_file():
        changes["folds_csv"] = folder.folds_csv
    return config.model_copy(update=changes)


def _origins(chosen: Mapping[int, FoldRun]) -> list[str]:
    """Where each fold comes from."""
    folders: dict[Path, list[int]] = {}
    for fold, run in chosen.items():
        folders.setdefault(run.folder.path, []).append(fold)
    return [
        f"fold{'s' * (len(folds) > 1)} {', '.join(map(str, folds))} from {path}"
        for path, folds in folders.items()
    ]


def _missing(config: RunConfig, chosen: Mapping[int, FoldRun], folder: RunFolder) -> list[str]:
    """Which folds no run has, and how to train them."""
    missing = [fold for fold in range(config.folds) if fold not in chosen]
    if not missing:
        return []
    return [
        f"ONLY {len(chosen)} OF {config.folds} FOLDS: no run has {', '.join(map(str, missing))}, "
        "so the score is that of a part of the training samples; train the rest with 'comp resume "
        f"{folder.run_id} --folds rest', or gather again with more runs"
    ]
