"""Folds whose predictions are on different scales, so that together they rank badly.

A score such as AUC of all predictions compares samples of different folds. If the models of the
folds trained for different lengths, equal predictions of two of them mean different things, and all
together score worse than each fold alone. The test predictions are a mean of such models.
"""

from __future__ import annotations

import numpy as np

from comp.inference.measures import group_draws
from comp.inference.weighted_score import weighted_score
from comp.page.words import say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import repeat
from comp.review.evidence.levels import LEAST_GROUPS, LEVEL
from comp.review.facts import NumberOof, RunFacts
from comp.review.verdict import scored_pairs

DRAWS = 200


def _look(facts: RunFacts) -> Finding | None:
    numbers = facts.numbers
    if numbers is None or facts.metric.takes != "predictions":
        return None
    found = below_every_fold(facts, numbers)
    if found is None or found[2] < 1 - LEVEL:
        return None
    together, worst, _ = found
    return Finding(
        text=say(
            "All predictions together have {metric} {together}, which is worse than the worst fold "
            "alone ({worst}), in at least 99 % of the draws of groups. The mean predictions of the "
            "folds are {means}.",
            metric=facts.metric.name,
            together=number(together),
            worst=number(worst),
            means=_means(numbers),
        ),
        remedy=say(
            "Train all folds for the same number of steps, and longer. With a budget, give more "
            "time, so that no fold gets a rest of it."
        ),
        command=repeat(facts, "--max-steps", str(_steps(facts))) if _steps(facts) else "",
    )


def below_every_fold(facts: RunFacts, numbers: NumberOof) -> tuple[float, float, float] | None:
    """The score of all predictions, that of the worst fold, and the share of draws of groups in
    which all are worse than every fold; None if a fold has too few groups, a score is not defined,
    or the metric is slow."""
    folds = sorted(set(numbers.folds.tolist()))
    parts = [(numbers.folds == fold).astype(np.float64) for fold in folds]
    sizes = [len({numbers.groups[row] for row in np.flatnonzero(part).tolist()}) for part in parts]
    if len(folds) < 2 or min(sizes) < LEAST_GROUPS:
        return None
    score, cheap = weighted_score(facts.metric, scored_pairs(facts))
    if not cheap:
        return None

    def lag(weights: np.ndarray) -> tuple[float, float]:
        """The score of all, and that of the worst fold."""
        alone = [score(weights * part) for part in parts]
        return score(weights), max(alone) if facts.metric.direction == "min" else min(alone)

    together, worst = lag(np.ones(len(numbers.ids)))
    if not np.isfinite([together, worst]).all() or not facts.metric.better(worst, together):
        return None  # most runs end here, without a draw
    drawn = [lag(weights) for weights in group_draws(numbers.groups, DRAWS, 0)]
    finite = [pair for pair in drawn if np.isfinite(pair).all()]
    if len(finite) < DRAWS / 2:
        return None
    behind = sum(facts.metric.better(alone, every) for every, alone in finite)
    return together, worst, behind / len(finite)


def _means(numbers: NumberOof) -> str:
    means = {fold: numbers.predictions[numbers.folds == fold].mean() for fold in set(numbers.folds)}
    return ", ".join(f"{int(fold)}: {mean:.3g}" for fold, mean in sorted(means.items()))


def _steps(facts: RunFacts) -> int:
    return max((int(fold.meta.get("steps") or 0) for fold in facts.folds), default=0)


SCALES = Alert(
    code="folds-on-different-scales",
    title=say("The folds are on different scales"),
    look=_look,
)
