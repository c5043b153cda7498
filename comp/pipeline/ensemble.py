"""Joins the folds of a run: their predictions, the decisions, the submission, and the scores."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.images.prepare import make_reader, without_skipped
from comp.data.units import units_of
from comp.files import write_json
from comp.inference.decisions import (
    FittedDecisions,
    PairsOfFolds,
    fit_decisions,
    honest_score,
)
from comp.inference.oof import OofPairs, need_reader
from comp.inference.predictions import (
    average_predictions,
    fill_missing,
    join_predictions,
    save_predictions,
)
from comp.pipeline.dropped import score_without
from comp.pipeline.full_model import RECORD, is_finished, test_files
from comp.pipeline.member_scores import mean_importances, member_scores
from comp.pipeline.memory import peak_memory
from comp.pipeline.replanned import record_points
from comp.pipeline.run_classes import fold_of as fold_of_units
from comp.pipeline.run_classes import records_of_test, reweigh_run
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.score_records import score_records, write_class_tables
from comp.pipeline.scored_apart import scores_apart
from comp.pipeline.seed_scores import deviation, seed_scores
from comp.report.example import draw_example
from comp.runs.folder import RunFolder
from comp.runs.results import FoldResult, RunSummary
from comp.submission.rows import submission_rows
from comp.submission.template import submission_spec, template_of
from comp.submission.write import make_submission


@dataclass(frozen=True)
class Ensemble:
    """The rows of a submission, and the seconds of the fit of its decisions."""

    n_rows: int
    fit_s: float


def write_ensemble(context: RunContext, results: Sequence[FoldResult]) -> Ensemble:
    """Write the predictions and the submission of the finished folds.

    Out-of-fold predictions are joined, test predictions are averaged, with those of the full model
    if it is finished. The submission uses decision parameters that are fitted on all out-of-fold
    predictions.
    """
    inputs, folder = context.inputs, context.folder
    competition = inputs.competition
    test = units_of(inputs.test, competition.pool)
    folds = [result.fold for result in results]
    held_out = [folder.fold(fold) / "oof.safetensors" for fold in folds]
    save_predictions(folder.oof, join_predictions(held_out, _train_units(context)))
    files, weights = test_files(folder, inputs.config, folds)
    readable = units_of(without_skipped(inputs.test, inputs.images.skipped), competition.pool)
    averaged = partial(average_predictions, files, readable, weights)
    save_predictions(
        folder.test, fill_missing(averaged, test) if inputs.images.skipped else averaged()
    )
    decision = competition.task.decision
    params: Params = decision.default if decision else ()
    fitting = time.perf_counter()
    if decision and decision.fit:
        params = decision.fit(oof_pairs(context), competition.metric, inputs.config.seed)
    fit_s = time.perf_counter() - fitting
    if inputs.config.predict.shares != "none":  # the reader of the pairs may take seconds
        reweigh_run(context, folds, oof_pairs(context), params)
    n_rows = make_submission(
        context.submission,
        submission_rows(competition, join_predictions([folder.test], test), params),
        submission_spec(competition, template_of(competition, inputs.source.root, test), test),
    )
    return Ensemble(n_rows, fit_s)


def _train_units(context: RunContext) -> Sequence[Sample]:
    inputs = context.inputs
    scored = [sample for sample in inputs.train if inputs.folds[sample.id] >= 0]
    return units_of(scored, inputs.competition.pool)


def oof_pairs(context: RunContext) -> OofPairs:
    """The pairs of the out-of-fold predictions of a run, which can be iterated several times."""
    inputs, folder = context.inputs, context.folder
    competition, units = inputs.competition, _train_units(context)
    reader = None
    if need_reader(units):
        readable = without_skipped([*inputs.train, *inputs.test], inputs.images.skipped)
        reader = make_reader(competition, readable, inputs.config, folder.reader_folder)
    return OofPairs(competition.task, partial(join_predictions, [folder.oof], units), reader)


def summarize(
    context: RunContext,
    results: Sequence[FoldResult],
    n_rows: int,
    began: float,
    fitted: FittedDecisions | None = None,
) -> RunSummary:
    """Score the out-of-fold predictions, write scores.json, and record that the run is finished.

    Args:
        n_rows: rows of the submission.
        began: `time.perf_counter()` when the run began.
        fitted: the parameters of the decisions; None: they are fitted here.
    """
    inputs, folder = context.inputs, context.folder
    competition, config, metric = inputs.competition, inputs.config, inputs.competition.metric
    pairs = oof_pairs(context)
    fold_of = fold_of_units(context, [result.fold for result in results])
    fitted = fitted or fit_decisions(competition, pairs, fold_of, config.seed)
    cv_score = honest_score(competition, pairs, fitted, fold_of)
    fold_scores = {result.fold: result.score for result in results}
    if fitted and metric.takes == "decisions":  # a fold's own score used its own parameters
        fold_scores = _honest_scores(competition, pairs, fitted, fold_of)
    _tell_of_unscored_decisions(context, fitted)
    further = _further_scores(context, pairs, fitted)
    if "example" in competition.task.reports:
        draw_example(folder.path / "example.png", competition, pairs)
    params = fitted.params if fitted else ()
    adaptation, test_classes = records_of_test(context, list(fold_scores), pairs, params)
    tests: dict[str, Any] = {"adaptation": adaptation, "test_classes": test_classes}
    summary = RunSummary(
        run_id=folder.run_id,
        run_dir=folder.path,
        competition=config.competition,
        metric=metric.name,
        direction=metric.direction,
        cv_score=cv_score,
        fold_scores=fold_scores,
        standing=metric.nearest_medals(cv_score),
        submission=context.submission,
        n_rows=n_rows,
        seconds=time.perf_counter() - began,
        synthetic=inputs.source.synthetic,
        device=inputs.device,
        precision=inputs.precision,
        classes=further,
        skipped=inputs.images.skipped,
        **tests,
        **_of_decisions(fitted),
        **_more_scores(context, pairs, fitted, fold_of),
        **scores_apart(context, list(fold_scores), fitted, pairs),
        **_of_folds(context, results, list(fold_scores.values())),
    )
    record = {key: record for key, record in tests.items() if record}
    plan = {result.fold: result.planned_first for result in results}
    _record(summary, folder, record | {"plan": plan})
    return summary


def _record(summary: RunSummary, folder: RunFolder, more: Mapping[str, Any]) -> None:
    """Write scores.json, and record that the run is finished."""
    write_json(folder.scores, summary.card())
    record_points(folder)
    folder.update_record(**more)
    end = {"seconds": summary.seconds}
    folder.update_record(state="finished", memory=peak_memory(summary.device), **end)


def _honest_scores(
    competition: Competition,
    pairs: OofPairs,
    fitted: FittedDecisions,
    fold_of: Mapping[str, int],
) -> dict[int, float]:
    """The score of each fold, with the decisions that the other folds fitted."""
    parts = {f: PairsOfFolds(pairs, fold_of, f.__eq__) for f in sorted(set(fold_of.values()))}
    return {f: honest_score(competition, part, fitted, fold_of) for f, part in parts.items()}


def _of_folds(
    context: RunContext, results: Sequence[FoldResult], scores: Sequence[float]
) -> dict[str, Any]:
    """What the folds say together: mean and deviation of their scores, steps, models of a blend,
    importances, and the folds that are left out."""
    return {
        "mean": statistics.fmean(scores),
        "std": deviation(scores),
        "plan": {result.fold: result.planned for result in results},
        "left_out": context.folder.record().get("left_out", ()),
        "members": member_scores(results),
        "importances": mean_importances(results),
    }


def _tell_of_unscored_decisions(context: RunContext, fitted: FittedDecisions | None) -> None:
    """Say that the submitted decisions of a run of one fold are not those that are scored."""
    metric = context.inputs.competition.metric
    if fitted is None or metric.takes == "predictions" or len(fitted.by_fold) > 1:
        return
    (scored,) = fitted.by_fold.values()
    if scored != fitted.params:
        used, submitted = (", ".join(f"{v:g}" for v in p) for p in (scored, fitted.params))
        context.reporter.note(
            f"one fold: {metric.name} is that of decisions with the default parameters ({used}); "
            f"the submission uses parameters fitted on this fold ({submitted}), which more folds "
            "would score"
        )


def _further_scores(
    context: RunContext, pairs: OofPairs, fitted: FittedDecisions | None
) -> list[Mapping[str, Any]]:
    """The task's own scores with their intervals, as JSON; tables of many classes go to files."""
    task, seed = context.inputs.competition.task, context.inputs.config.seed
    params = fitted.params if fitted else ()
    scores = task.scores(pairs, params, seed)
    write_class_tables(context.folder.path, scores)
    return score_records(scores)


def _of_decisions(fitted: FittedDecisions | None) -> dict[str, Any]:
    """The parameters of the decisions; `threshold` if they have only that one."""
    return {
        "threshold": fitted.params[0] if fitted and fitted.names == ("threshold",) else None,
        "decision": asdict(fitted) if fitted and fitted.names else None,
    }


def _more_scores(
    context: RunContext,
    pairs: OofPairs,
    fitted: FittedDecisions | None,
    fold_of: Mapping[str, int],
) -> dict[str, Any]:
    """The scores without the samples that are dropped, the scores of each seed, and what the full
    model is; each is {} if a run does not have it."""
    inputs, competition = context.inputs, context.inputs.competition
    record = context.folder.record().get(RECORD, {})
    finished = is_finished(context.folder, inputs.config)
    return {
        "dropped": score_without(competition, inputs.dropped, inputs.train, pairs, fitted, fold_of),
        "seeds": seed_scores(context, pairs, _train_units(context), fitted, fold_of),
        "full": record if finished else {},
    }
