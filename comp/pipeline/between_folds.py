"""What a run does before, between and after its folds, however they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comp.inference.decisions import fits_decisions
from comp.pipeline.fit_full import HERE, Fits, fit_full
from comp.pipeline.fold_task import FOLD_LOCK
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.halved import BATCHES
from comp.pipeline.run_inputs import RunContext, RunInputs
from comp.pipeline.scored_apart import forget_apart, predict_apart
from comp.pipeline.seed_scores import seed_fits
from comp.runs.folder import RunFolder
from comp.runs.results import FoldResult
from comp.trackers.tracker import FOLDER as TRACKERS
from comp.training.budget import FoldCost
from comp.training.checkpoint import META
from comp.training.state import RESUME


def remove_leftovers(folder: RunFolder, submission: Path) -> None:
    """Remove the files of a killed process: partly written files, the checkpoints of finished
    folds, and the locks of folds, which no process trains now. Trackers are at work already, so
    their files stay."""
    files = (path for path in folder.path.rglob(".*.part") if path.parent.name != TRACKERS)
    partial = [*files, *submission.parent.glob(f".{submission.name}.*.part")]
    finished = [
        path for part in ("fold-*", "full") for path in folder.path.glob(f"{part}/**/{META}")
    ]
    checkpoints = [path.with_name(name) for path in finished for name in (RESUME, BATCHES)]
    for path in (*partial, *checkpoints, *folder.path.rglob(FOLD_LOCK)):
        if not path.is_dir():
            path.unlink(missing_ok=True)


def leave_out(context: RunContext, kept: Sequence[int]) -> None:
    """Report and record that there is no time for the folds that are not in `kept`; the run
    then covers those only."""
    folds = [fold for fold in context.inputs.folds_to_train if fold not in kept]
    left_out = [*folds, *context.inputs.left_out]
    context.folder.update_record(folds=list(kept), left_out=left_out)
    context.reporter.note(
        "the budget is nearly spent, because earlier folds took longer than planned; left out: "
        f"{', '.join(map(str, folds))} (to train them: 'comp resume {context.folder.run_id} "
        "--folds rest')"
    )


def decisions_s(inputs: RunInputs, finished: int, fit_s: float) -> float:
    """Seconds of the decisions and their scores at the end of a run, from those of one fit on
    `finished` folds: a fit on all folds, and one on the other folds of each; the scores take about
    as long as two more, and those of the seeds are added. 0 if no decisions are scored."""
    if not fits_decisions(inputs.competition):
        return 0.0
    folds, seeds = len(inputs.folds_to_train), inputs.config.seeds
    fits = folds + 3 + seed_fits(inputs.competition, folds, seeds)
    return fits * fit_s * folds / finished


def fit_full_model(
    context: RunContext,
    results: Sequence[FoldResult],
    cost: FoldCost | None,
    began: float,
    fits: Fits = HERE,
) -> bool:
    """Train the full model if it is not finished, and predict what is scored apart; returns whether
    it was trained now. The arguments are those of `fit_full`."""
    config, folder = context.inputs.config, context.folder
    trained = fit_full(context, results, cost, began, fits)
    if trained:
        forget_apart(full_folder(folder))
    if is_finished(folder, config):
        predict_apart(context, config.folds)
    return trained
