"""The pipeline: values flow forward, from the configuration to a checked submission."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter, ValidationError

from comp.config.schema import RunConfig
from comp.data.folds import write_folds
from comp.data.images.prepare import readable, reader_of
from comp.data.location import Source, fingerprint
from comp.errors import RunError
from comp.files import write_json
from comp.inference import oof
from comp.inference.predictions import Predictions, average, filled, join, save_predictions
from comp.pipeline.fold import fit_fold, time_fold
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.run_inputs import RunInputs, data_notes, prepare_run, record_fields
from comp.report.example import draw_example
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, RunStart
from comp.runs.results import FoldResult, RunSummary
from comp.signals import stop_if_requested
from comp.submission.template import template_of
from comp.submission.write import make_submission
from comp.training.budget import FoldCost, check_budget, cost_of, enough_steps, steps_within
from comp.training.checkpoint import META, WEIGHTS, load_meta
from comp.training.state import RESUME
from comp.workspace import Workspace


def run(
    config: RunConfig,
    source: Source,
    workspace: Workspace,
    reporter: Reporter,
    *,
    only: Sequence[int] = (),
    plan: Mapping[int, int] | None = None,
    began: float | None = None,
    skip_bad: bool = False,
) -> RunSummary:
    """Cross-validate, predict, score, and write a submission after each fold.

    Args:
        only: the folds to train; all if empty.
        plan: optimizer steps of each fold, of a run that is to be repeated.
        began: `time.perf_counter()` when the command began, from which a budget counts.
        skip_bad: go on without images that cannot be decoded.

    Raises:
        CompError: before anything is written, for whatever is wrong with data or configuration.
    """
    began = time.perf_counter() if began is None else began
    inputs = prepare_run(config, source, workspace, only, reporter, skip_bad)
    steps = dict(plan or {})
    unplanned = set(inputs.chosen) - set(steps)
    timed = bool(unplanned) and not config.max_steps
    cost = measure(inputs, began, reporter) if timed else None
    folder = open_run(inputs, workspace)
    with folder.running():
        folder.note(plan=steps)
        reporter.run_started(run_start(inputs, folder, cost))
        for words in data_notes(inputs):
            reporter.note(words)
        return train_folds(inputs, folder, workspace, reporter, steps, cost, began)


def train_folds(
    inputs: RunInputs,
    folder: RunFolder,
    workspace: Workspace,
    reporter: Reporter,
    plan: Mapping[int, int],
    cost: FoldCost | None,
    began: float,
) -> RunSummary:
    """Train the folds that are not finished, write a submission after each, and score them all.
    Nobody else may work on the run meanwhile.

    Args:
        plan: optimizer steps of folds that are planned already.
        cost: what a fold costs, as far as it is known.
        began: when the run's budget began to count.

    Raises:
        CompError: for whatever goes wrong; what was done is kept.
        Stopped: when a signal came.
    """
    config, steps = inputs.config, dict(plan)
    results: list[FoldResult] = []
    made, n_rows = False, 0
    remove_leftovers(folder, workspace.submission(config.competition, folder.run_id))
    if cost and cost.halved:
        folder.note(halved=True)
    for fold in inputs.chosen:
        fold_began = time.perf_counter()
        result = finished_fold(folder, fold)
        if result is None:
            made = True
            if config.budget and cost and fold not in steps:
                left = config.budget - (fold_began - began)
                count = steps_within(left, len(inputs.chosen) - len(results), cost)
                if not enough_steps(count, results):
                    leave_out(folder, inputs.chosen[len(results) :], results, reporter)
                    n_rows = ensemble(inputs, workspace, folder, results)
                    break
                steps[fold] = count
                folder.note(plan=steps)
            data, length = inputs.source.root, steps.get(fold)
            result = fit_fold(config, fold, data, folder.path, length, reporter)
        results.append(result)
        stop_if_requested()
        if made or fold == inputs.chosen[-1]:  # else an older submission is of more folds
            n_rows = ensemble(inputs, workspace, folder, results)
        cost = cost_of(result, result.setup_s + result.fit_s + result.predict_s)
        reporter.fold_done(result, workspace.submission(config.competition, folder.run_id))
    return finish(inputs, workspace, folder, results, n_rows, began)


def leave_out(
    folder: RunFolder, folds: Sequence[int], results: Sequence[FoldResult], reporter: Reporter
) -> None:
    """Say and note that the time for the last folds is gone; the run is one over the others."""
    folder.note(folds=[result.fold for result in results], left_out=list(folds))
    words = ", ".join(map(str, folds))
    reporter.note(
        f"the budget is nearly spent, since the folds before took longer than planned; left out: "
        f"{words} ('comp run {folder.path.parent.name} --fold {folds[0]}' trains one)"
    )


def remove_leftovers(folder: RunFolder, submission: Path) -> None:
    """Remove what a kill left: files that were being written, and states of finished folds."""
    half = [*folder.path.rglob(".*.part"), *submission.parent.glob(f".{submission.name}.*.part")]
    done = [path.with_name(RESUME) for path in folder.path.glob(f"fold-*/{META}")]
    for path in (*half, *done):
        if not path.is_dir():
            path.unlink(missing_ok=True)


def finished_fold(folder: RunFolder, fold: int) -> FoldResult | None:
    """The result of a fold, None where it is not finished, or where a file of it is missing or
    cut."""
    place = folder.fold(fold)
    try:
        result = TypeAdapter(FoldResult).validate_python(load_meta(place))
        for name in (WEIGHTS, "oof.safetensors", "test.safetensors"):
            Predictions(place / name)
    except (ValidationError, RunError):
        return None
    return result


def open_run(inputs: RunInputs, workspace: Workspace) -> RunFolder:
    """Make the run's folder, with folds.csv and run.json in it."""
    config, now = inputs.config, datetime.now().astimezone()
    folder = runfolder.create(workspace.runs(config.competition), config, now)
    fold_hash = write_folds(folder.folds_csv, inputs.train, inputs.folds)
    folder.note(
        run_id=folder.run_id,
        state="running",
        competition=config.competition,
        started=now.isoformat(timespec="seconds"),
        synthetic=inputs.source.synthetic,
        config=config.model_dump(mode="json"),
        folds=list(inputs.chosen),
        fold_hash=fold_hash,
        data_fingerprint=fingerprint([*inputs.train, *inputs.test]),
        data=str(inputs.source.root),
        device=inputs.device,
        precision=inputs.precision,
        environment=runfolder.environment(),
        **record_fields(inputs),
    )
    inputs.images.write_pointer(folder.reader_folder)
    return folder


def measure(inputs: RunInputs, began: float, reporter: Reporter) -> FoldCost | None:
    """What a fold will cost; on a GPU only where a budget asks for it.

    Raises:
        RunError: when the budget is too small for the folds.
    """
    config, fold = inputs.config, inputs.chosen[0]
    if config.budget is None and not inputs.device.startswith("cpu"):
        return None
    reporter.note("measuring how fast this machine trains and predicts ...")
    with TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch))
        write_folds(folder.folds_csv, inputs.train, inputs.folds)
        inputs.images.write_pointer(folder.reader_folder)
        cost = time_fold(config, fold, inputs.source.root, folder.path, reporter)
    if config.budget:
        left = config.budget - (time.perf_counter() - began)
        check_budget(left, len(inputs.chosen), cost)
    return cost


def run_start(inputs: RunInputs, folder: RunFolder, cost: FoldCost | None) -> RunStart:
    """What to tell when a run begins."""
    config, folds = inputs.config, inputs.folds
    held_in = len(folds) * (config.folds - 1) // config.folds
    steps = config.epochs * epoch_steps(config, held_in)
    return RunStart(
        run_id=folder.run_id,
        run_dir=folder.path,
        competition=config.competition,
        data=inputs.source.root,
        synthetic=inputs.source.synthetic,
        train=len(inputs.train),
        test=len(inputs.test),
        groups=len({sample.group or sample.id for sample in inputs.train}),
        group=inputs.competition.group or "sample",
        folds=inputs.chosen,
        of_folds=config.folds,
        device=inputs.device,
        precision=inputs.precision,
        seconds=cost.fold_s(steps) * len(inputs.chosen) if cost and not config.budget else None,
        budget=config.budget,
    )


def ensemble(
    inputs: RunInputs, workspace: Workspace, folder: RunFolder, results: Sequence[FoldResult]
) -> int:
    """Join the out-of-fold predictions of the finished folds, average their test predictions, and
    write a submission with the decision threshold so far; returns its rows."""
    competition, train, test = inputs.competition, inputs.train, inputs.test
    places = [folder.fold(result.fold) for result in results]
    save_predictions(folder.oof, join([place / "oof.safetensors" for place in places], train))
    files = [place / "test.safetensors" for place in places]
    averaged = average(files, readable(test, inputs.images.skipped))
    save_predictions(folder.test, filled(averaged, test) if inputs.images.skipped else averaged)
    threshold = oof.threshold_of(competition, join([folder.oof], train), inputs.config.seed)
    return make_submission(
        workspace.submission(competition.name, folder.run_id),
        (competition.rows(s, values, threshold or 0.5) for s, values in join([folder.test], test)),
        template_of(competition, inputs.source.root, test),
        competition.limits,
        competition.decimals,
        competition.classes,
    )


def finish(
    inputs: RunInputs,
    workspace: Workspace,
    folder: RunFolder,
    results: Sequence[FoldResult],
    n_rows: int,
    began: float,
) -> RunSummary:
    """Score the out-of-fold predictions, and write down how the run ended."""
    competition, config = inputs.competition, inputs.config
    metric, train = competition.metric, inputs.train
    test = readable(inputs.test, inputs.images.skipped)
    reader = reader_of(competition, [*train, *test], config, folder.reader_folder)
    pairs, seed = partial(join, [folder.oof], train), config.seed
    cv_score = oof.score(metric, pairs(), reader)
    threshold = oof.threshold_of(competition, pairs(), seed)
    classified = oof.class_scores(competition, pairs(), threshold, seed)
    scores = [result.score for result in results]
    if competition.dense:
        draw_example(folder.path / "example.png", metric, pairs(), reader)
    summary = RunSummary(
        run_id=folder.run_id,
        run_dir=folder.path,
        competition=config.competition,
        metric=metric.name,
        direction=metric.direction,
        cv_score=cv_score,
        fold_scores={result.fold: result.score for result in results},
        mean=statistics.fmean(scores),
        std=statistics.stdev(scores) if len(scores) > 1 else 0.0,
        standing=metric.standing(cv_score),
        submission=workspace.submission(config.competition, folder.run_id),
        n_rows=n_rows,
        seconds=time.perf_counter() - began,
        synthetic=inputs.source.synthetic,
        device=inputs.device,
        precision=inputs.precision,
        plan={result.fold: result.planned for result in results},
        threshold=threshold,
        classes=[asdict(scores) for scores in classified],
        skipped=inputs.images.skipped,
    )
    write_json(folder.scores, summary.card())
    folder.note(state="finished", seconds=summary.seconds, plan=summary.plan)
    return summary
