"""Joins the folds of a run: their predictions, the submission, and the scores."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from comp.data.images.prepare import make_reader, without_skipped
from comp.files import write_json
from comp.inference import oof
from comp.inference.predictions import (
    average_predictions,
    fill_missing,
    join_predictions,
    save_predictions,
)
from comp.pipeline.run_inputs import RunContext
from comp.report.example import draw_example
from comp.runs.results import FoldResult, RunSummary
from comp.submission.template import submission_spec, template_of
from comp.submission.write import make_submission


def write_ensemble(context: RunContext, results: Sequence[FoldResult]) -> int:
    """Write the predictions and the submission of the finished folds.

    Out-of-fold predictions are joined, test predictions are averaged. The submission uses the
    decision threshold of these folds. Returns its number of rows.
    """
    inputs, folder = context.inputs, context.folder
    competition, train, test = inputs.competition, inputs.train, inputs.test
    fold_folders = [folder.fold(result.fold) for result in results]
    held_out = [fold_folder / "oof.safetensors" for fold_folder in fold_folders]
    save_predictions(folder.oof, join_predictions(held_out, train))
    files = [fold_folder / "test.safetensors" for fold_folder in fold_folders]
    averaged = average_predictions(files, without_skipped(test, inputs.images.skipped))
    save_predictions(
        folder.test, fill_missing(averaged, test) if inputs.images.skipped else averaged
    )
    tuned = oof.threshold_of(competition, join_predictions([folder.oof], train), inputs.config.seed)
    threshold = tuned or 0.5
    return make_submission(
        context.submission,
        (
            competition.rows(s, values, threshold)
            for s, values in join_predictions([folder.test], test)
        ),
        submission_spec(competition, template_of(competition, inputs.source.root, test)),
    )


def summarize(
    context: RunContext, results: Sequence[FoldResult], n_rows: int, began: float
) -> RunSummary:
    """Score the out-of-fold predictions, write scores.json, and record that the run is finished.

    Args:
        n_rows: rows of the submission.
        began: `time.perf_counter()` when the run began.
    """
    inputs, folder = context.inputs, context.folder
    competition, config, metric = inputs.competition, inputs.config, inputs.competition.metric
    train, test = inputs.train, without_skipped(inputs.test, inputs.images.skipped)
    reader = make_reader(competition, [*train, *test], config, folder.reader_folder)
    predictions = partial(join_predictions, [folder.oof], train)
    cv_score = oof.score(metric, predictions(), reader)
    threshold = oof.threshold_of(competition, predictions(), config.seed)
    class_scores = oof.class_scores(competition, predictions(), threshold, config.seed)
    if competition.dense:
        draw_example(folder.path / "example.png", metric, predictions(), reader)
    scores = [result.score for result in results]
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
        standing=metric.nearest_medals(cv_score),
        submission=context.submission,
        n_rows=n_rows,
        seconds=time.perf_counter() - began,
        synthetic=inputs.source.synthetic,
        device=inputs.device,
        precision=inputs.precision,
        plan={result.fold: result.planned for result in results},
        threshold=threshold,
        classes=[asdict(class_score) for class_score in class_scores],
        skipped=inputs.images.skipped,
    )
    write_json(folder.scores, summary.card())
    folder.update_record(state="finished", seconds=summary.seconds, plan=summary.plan)
    return summary
