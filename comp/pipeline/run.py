"""The pipeline: from the configuration to a checked submission."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from comp.config.placement import Placement
from comp.config.schema import RunConfig
from comp.data.fingerprint import fingerprint
from comp.data.folds import write_folds
from comp.data.groups import group_keys
from comp.data.images.file_states import asked_once
from comp.data.listed import settling
from comp.data.location import DataSource
from comp.engines.engine import Engine
from comp.inference.decisions import fits_decisions
from comp.pipeline.auto_values import find_auto
from comp.pipeline.budget_folds import within_budget
from comp.pipeline.budget_rounds import round_count, with_thaw_share
from comp.pipeline.drift import note_drift
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.fold_time import FIXED
from comp.pipeline.full_model import full_part, repeated_record
from comp.pipeline.halved import halved_recorded
from comp.pipeline.members import estimator_names
from comp.pipeline.notes import data_notes, repeat_notes
from comp.pipeline.part_times import parts_before
from comp.pipeline.placed import JOBS, run_engine
from comp.pipeline.progress_file import progress_written
from comp.pipeline.replanned import RECORD as REPLANNED
from comp.pipeline.replanned import give_points
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run
from comp.pipeline.run_record import record_fields
from comp.pipeline.small_budget import made_to_fit
from comp.pipeline.timing import measure
from comp.pipeline.timing_tasks import timer
from comp.pipeline.train_folds import train_folds
from comp.pipeline.validation import prepare_validation
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, RunStart
from comp.runs.results import RunSummary
from comp.trackers.tracked import tracked
from comp.training.budget import FoldCost
from comp.workspace import Workspace


def run(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    *,
    only: Sequence[int] = (),
    plan: Mapping[int, int] | None = None,
    began: float | None = None,
    skip_bad: bool = False,
    repeats: Mapping[str, Any] | None = None,
    placement: Placement | None = None,
    origin: Mapping[str, Any] | None = None,
    thaw_share: float = 0.0,
) -> RunSummary:
    """Cross-validate, predict, score, and write a submission after each fold.

    Args:
        only: the folds to train; all if empty.
        plan: optimizer steps of each fold, from the run that is repeated.
        began: `time.perf_counter()` when the command began; a budget counts from there.
        skip_bad: leave out images that cannot be decoded.
        repeats: run.json of the run that is repeated; what differs from it is told.
        placement: where the folds train; None: as `Placement()` says.
        origin: more keys of run.json, which say what started the run.
        thaw_share: if not 0, frozen stages train after this share of the steps that fit into the
            budget; `thaw.after` does not count.

    Raises:
        CompError: the data or the configuration is wrong; nothing was written.
    """
    began = time.perf_counter() if began is None else began
    places = run_engine(config, placement, len(set(only)) or config.folds)
    with asked_once(), settling(), places as engine:
        slots = engine.slots if engine else 1
        inputs = prepare_run(
            config, source, workspace, only, reporter, skip_bad, any_time=bool(plan)
        )
        inputs = prepare_validation(inputs, workspace, reporter, skip_bad)
        inputs = find_auto(inputs, began, reporter)
        prepared = time.perf_counter()
        plan = dict(plan or {})
        inputs, cost = _measured(inputs, plan, began, reporter, engine)
        config = inputs.config
        if thaw_share and cost:
            spent = time.perf_counter() - began
            inputs = with_thaw_share(inputs, thaw_share, slots, cost, spent)
        first = {**(origin or {}), **({JOBS: slots} if engine else {})}
        first |= {"plan": plan, **repeated_record(config, (repeats or {}) if plan else {})}
        if config.budget:
            first |= parts_before(began, prepared, time.perf_counter())
            first |= {FIXED: True} if plan else {}
        folder = create_run_folder(inputs, workspace, first)
        give_points(folder, (repeats or {}).get(REPLANNED, {}) if plan else {})
        with (
            folder.running(),
            halved_recorded(folder),
            progress_written(folder, inputs.competition.metric, reporter) as reporter,
            tracked(config, folder, reporter) as reporter,
        ):
            context = RunContext.of(inputs, folder, workspace, reporter)
            reporter.run_started(run_start(inputs, folder, cost, slots))
            for text in [*repeat_notes(inputs, folder, repeats or {}), *data_notes(inputs)]:
                reporter.note(text)
            note_drift(inputs, folder, reporter)
            return train_folds(context, plan, cost, began, engine)


def _measured(
    inputs: RunInputs,
    plan: Mapping[int, int],
    began: float,
    reporter: Reporter,
    engine: Engine | None,
) -> tuple[RunInputs, FoldCost | None]:
    """The inputs that fit into the budget, and what a fold costs; None if that is not needed."""
    unplanned = set(inputs.folds_to_train) - set(plan)
    if not unplanned or inputs.config.max_steps:
        return inputs, None
    cost = measure(inputs, reporter, timer(engine))
    if not cost:
        return inputs, None
    slots = engine.slots if engine else 1
    inputs, cost = made_to_fit(inputs, cost, began, reporter, slots)
    return within_budget(inputs, cost, began, reporter, slots), cost


def create_run_folder(
    inputs: RunInputs, workspace: Workspace, more: Mapping[str, Any]
) -> RunFolder:
    """Make the run's folder and write folds.csv and run.json.

    Args:
        more: keys of run.json, which are there from the start: after a crash the run is found by
            what started it, and can resume.
    """
    config, now = inputs.config, datetime.now().astimezone()
    folder = runfolder.create(workspace.runs(config.competition), config, now)
    fold_hash = write_folds(folder.folds_csv, inputs.train, inputs.folds)
    folder.update_record(
        run_id=folder.run_id,
        state="running",
        competition=config.competition,
        started=now.isoformat(timespec="seconds"),
        synthetic=inputs.source.synthetic,
        config=config.model_dump(mode="json"),
        folds=list(inputs.folds_to_train),
        **({"left_out": list(inputs.left_out)} if inputs.left_out else {}),
        fold_hash=fold_hash,
        data_fingerprint=fingerprint([*inputs.train, *inputs.test], workspace.cache),
        data=str(inputs.source.root),
        device=inputs.device,
        precision=inputs.precision,
        environment=runfolder.environment(),
        **record_fields(inputs),
        **more,
    )
    inputs.write_samples(folder)
    inputs.write_pointers(folder)
    inputs.pseudo.copied_to(folder.reader_folder).write_pointer(folder.reader_folder)
    return folder


def run_start(
    inputs: RunInputs, folder: RunFolder, cost: FoldCost | None, jobs: int = 1
) -> RunStart:
    """What a reporter shows when a run starts."""
    config = inputs.config
    return RunStart(
        run_id=folder.run_id,
        run_dir=folder.path,
        competition=config.competition,
        data=inputs.source.root,
        synthetic=inputs.source.synthetic,
        train=len(inputs.train),
        test=len(inputs.test),
        groups=len(set(group_keys(inputs.train))),
        group=inputs.competition.group or "sample",
        folds=inputs.folds_to_train,
        of_folds=config.folds,
        device=inputs.device,
        precision=inputs.precision,
        seconds=_expected_seconds(inputs, cost, jobs)
        if cost and not config.budget and not estimator_names(config)
        else None,
        budget=config.budget,
        unit=inputs.unit,
        jobs=jobs,
        preliminary=fits_decisions(inputs.competition),
    )


def _expected_seconds(inputs: RunInputs, cost: FoldCost, jobs: int) -> float:
    """Seconds that the folds train, by their epochs, if `jobs` of them train at the same time."""
    config = inputs.config
    sizes = [len(inputs.training_part(fold)) for fold in inputs.folds_to_train]
    rounds = round_count(len(sizes) * config.seeds, jobs) / (len(sizes) * config.seeds)
    sizes += [len(full_part(inputs))] if config.full else []
    every = sum(cost.fold_s(config.epochs * epoch_steps(config, size)) for size in sizes)
    return every * rounds
