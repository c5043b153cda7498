"""Blends finished runs: nested weights, predictions, a submission, and a run that says all this."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from comp.estimators.stacking import SecondLevel
from comp.files import read_json
from comp.inference.decisions import honest_score
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.blend_files import (
    MODEL,
    blend_inputs,
    create_blend_folder,
    fold_result,
    test_predictions,
)
from comp.pipeline.blend_fit import METHODS, Combine, check_method
from comp.pipeline.blend_gain import gain_over, verdict
from comp.pipeline.blend_job import BlendJob, BlendReporter, make_job
from comp.pipeline.blend_runs import BlendRuns, read_blend_runs
from comp.pipeline.ensemble import oof_pairs, summarize
from comp.pipeline.predict_files import write_submission
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.run_oof import RunOof, fitted_decisions, read_run_oof
from comp.runs.blend_results import BlendMember, BlendSummary
from comp.runs.folder import RunFolder
from comp.runs.lineage import KEY
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.training.checkpoint import save_meta
from comp.workspace import Workspace

SHARED = (
    *("run_id", "run_dir", "competition", "metric", "direction", "cv_score", "fold_scores"),
    *("decision", "submission", "n_rows", "seconds", "synthetic"),
)
"""Fields that a blend has in common with other runs."""


def blend(
    run_ids: Sequence[str],
    workspace: Workspace,
    reporter: BlendReporter,
    method: str = METHODS[0],
) -> BlendSummary:
    """Blend runs on their out-of-fold predictions, and write the result as a run.

    The out-of-fold predictions and the score of a fold, with its decisions, come from weights of
    the other folds. The submission comes from weights of all folds, and blends the test predictions
    of the runs.

    Args:
        run_ids: ids of runs, or unique beginnings of ids.
        method: one of `METHODS`; `comp.pipeline.blend_fit` says what each does, and why the first
            is the default.

    Raises:
        CompError: before anything is written: the runs or the method do not fit.
    """
    began = time.perf_counter()
    runs = read_blend_runs(run_ids, workspace)
    method = check_method(method, runs.competition.task)
    workspace.check_writable(runs.competition.name)
    first = runs.first.folder
    workspace.check_room(2 * sum(file.stat().st_size for file in (first.oof, first.test)))
    for text in runs.notes:
        reporter.note(text)
    job = make_job(method, runs, reporter)
    combine = job.nested.combine()
    for fold in runs.folds:
        job.nested.combine_fold(fold)
        reporter.progress("fitting the blend", runs.folds.index(fold) + 1, len(runs.folds))
    members = _members(job, combine)
    folder = create_blend_folder(job, members, workspace)
    with folder.running():
        return _write(job, combine, members, folder, workspace, began)


def _members(job: BlendJob, combine: Combine) -> list[BlendMember]:
    """The runs with their scores and weights."""
    runs, found = job.runs, []
    by_fold = {fold: job.nested.combine_fold(fold) for fold in runs.folds}
    for number, run in enumerate(runs.runs):
        folds = {f: getattr(c, "weights", None) for f, c in by_fold.items()}
        weights = getattr(combine, "weights", None)
        found.append(
            BlendMember(
                run_id=run.run_id,
                score=_score_of(run, runs),
                weight=weights[number] if weights else None,
                fold_weights={f: w[number] for f, w in folds.items() if w},
            )
        )
    return found


def _score_of(run: RunOof, runs: BlendRuns) -> float:
    """The out-of-fold score of a run on the ids of the blend: the recorded one, if it is that."""
    recorded = read_json(run.folder.scores)
    metric = runs.competition.metric
    same = (recorded.get("metric"), recorded.get("direction")) == (metric.name, metric.direction)
    if run.score is not None and same and len(run.samples) == len(runs.ids):
        return run.score
    return honest_score(runs.competition, run.pairs(runs.ids), fitted_decisions(run), run.fold_of)


def _write(
    job: BlendJob,
    combine: Combine,
    members: Sequence[BlendMember],
    folder: RunFolder,
    workspace: Workspace,
    began: float,
) -> BlendSummary:
    """Write the predictions, the submission and the scores."""
    runs, competition = job.runs, job.runs.competition
    save_predictions(folder.oof, job.nested.predictions())
    save_predictions(folder.test, test_predictions(job, combine))
    if isinstance(combine, SecondLevel):
        combine.save(folder.path / MODEL)
    submission = workspace.submission(competition.name, folder.run_id)
    context = RunContext(
        inputs=blend_inputs(runs), folder=folder, submission=submission, reporter=Silent()
    )
    pairs = oof_pairs(context)
    fitted = job.nested.decisions(pairs, job.fits("fitting decisions"))
    results = [fold_result(job, pairs, fold) for fold in runs.folds]
    for result in results:
        save_meta(folder.fold(result.fold), asdict(result))
    test = runs.test
    n_rows = write_submission(
        submission,
        competition,
        runs.first.data.root,
        join_predictions([folder.test], test),
        test,
        fitted.params if fitted else None,
    )
    summary = summarize(context, results, n_rows, began, fitted)
    mean = summary.cv_score
    if job.method != "mean":
        mean = job.mean.score(job.fits("scoring the equal mean"))
    blended = _summary(job, members, mean, summary, workspace)
    blended = replace(blended, seconds=time.perf_counter() - began)
    record = {"method": job.method, "runs": [asdict(member) for member in members]}
    keys = ("mean_score", "best", "gain", "verdict")
    more = {key: value for key, value in asdict(blended).items() if key in keys}
    folder.update_record(**{KEY: record | more})
    return blended


def _summary(
    job: BlendJob,
    members: Sequence[BlendMember],
    mean: float,
    summary: RunSummary,
    workspace: Workspace,
) -> BlendSummary:
    best = members[0]
    for member in members[1:]:
        best = member if job.runs.competition.metric.better(member.score, best.score) else best
    of_best = next(run for run in job.runs.runs if run.run_id == best.run_id)
    gain = gain_over(of_best, read_run_oof(RunFolder(summary.run_dir), workspace))
    return BlendSummary(
        **{name: getattr(summary, name) for name in SHARED},
        method=job.method,
        runs=members,
        mean_score=mean,
        best=best.run_id,
        gain=gain,
        verdict=verdict(members, best, gain),
        notes=job.runs.notes,
    )
