"""The out-of-fold score of each seed of a run alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.inference.decisions import FittedDecisions, fit_decisions, fits_decisions, honest_score
from comp.inference.oof import OofPairs
from comp.inference.predictions import join_predictions
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.seeds import seed_folder, training_seeds


def seed_scores(
    context: RunContext,
    pairs: OofPairs,
    units: Sequence[Sample],
    fitted: FittedDecisions | None,
    fold_of: Mapping[str, int],
) -> dict[str, Any]:
    """The scores of each training seed over all folds, with `mean` and `std` (n - 1); {} of a run
    with one seed.

    The decisions of a seed are fitted on its own predictions of the other folds. Those of images,
    whose fit takes long, are the decisions of the average, fitted on the other folds too.

    Args:
        pairs: of the average, whose reader of targets is used.
        units: the samples or units that are predicted out of fold.
        fitted: the decisions of the average.
        fold_of: the fold of each pair, by its id.
    """
    inputs, folder = context.inputs, context.folder
    competition, seeds = inputs.competition, training_seeds(inputs.config)
    if len(seeds) == 1:
        return {}
    own = _has_own_decisions(competition)
    scores: dict[int, float] = {}
    for number, seed in enumerate(seeds):
        folders = [folder.fold(fold) for fold in sorted(set(fold_of.values()))]
        files = [seed_folder(place, number) / "oof.safetensors" for place in folders]
        if not all(file.is_file() for file in files):
            return {}  # a blend has no trainings
        alone = OofPairs(competition.task, partial(join_predictions, files, units), pairs.reader)
        decided = fit_decisions(competition, alone, fold_of, inputs.config.seed) if own else fitted
        scores[seed] = honest_score(competition, alone, decided, fold_of)
    values = list(scores.values())
    return {"scores": scores, "mean": statistics.fmean(values), "std": deviation(values)}


def seed_fits(competition: Competition, folds: int, seeds: int) -> int:
    """What the scores of the seeds of a run take, counted in fits of decisions. A score takes about
    as long as a fit."""
    if seeds == 1:
        return 0
    return seeds * (folds + 2 if _has_own_decisions(competition) else 1)


def _has_own_decisions(competition: Competition) -> bool:
    return fits_decisions(competition) and competition.task.output == "numbers"


def deviation(scores: Sequence[float]) -> float:
    """The standard deviation of scores; 0 of a single one, NaN if one is not defined, which
    `statistics` cannot compute."""
    if not all(map(math.isfinite, scores)):
        return math.nan
    return statistics.stdev(scores) if len(scores) > 1 else 0.0
