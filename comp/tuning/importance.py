"""Which values mattered for the scores of a study."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from comp.tuning.optuna_study import distributions
from comp.tuning.result import TrialRow
from comp.tuning.settings import Settings

if TYPE_CHECKING:
    from optuna import Study

LEAST = 8
"""Fewer trials say nothing of what mattered."""


def importances(
    study: Study, rows: Sequence[TrialRow], settings: Settings
) -> tuple[Mapping[str, float], str]:
    """The share of each key in the differences of the scores, the largest first, and of which
    scores. It is fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014) with Optuna's random forest.

    Most trials of a study are pruned, so the scores are those at the largest progress that at least
    half of the trials have. Empty with fewer than 8 trials, or if all scores are equal.
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    space = settings.space
    known = [row for row in rows if _is_known(row, settings)]
    counts: dict[int, int] = {}
    for row in known:
        for progress in row.curve:
            counts[progress] = counts.get(progress, 0) + 1
    enough = [p for p, count in counts.items() if count >= max(LEAST, len(known) / 2)]
    if not enough:
        return {}, ""
    progress = max(enough)
    used = [row for row in known if progress in row.curve]
    if len({row.curve[progress] for row in used}) < 2:
        return {}, ""
    copy = optuna.create_study(direction=study.direction)
    for row in used:
        values = {p.key: p.stored(row.values[p.key]) for p in space.parameters}
        copy.add_trial(
            optuna.create_trial(
                params=values, distributions=dict(distributions(space)), value=row.curve[progress]
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_param_importances(copy, evaluator=FanovaImportanceEvaluator(seed=0))
    end = max(max(row.curve) for row in known)
    return dict(found), f"scores of {len(used)} trials after {progress / end:.0%} of the training"


def _is_known(row: TrialRow, settings: Settings) -> bool:
    """Whether a trial has finite scores, and all of its values are in the space; those of the
    default may not be."""
    finite = bool(row.curve) and all(map(math.isfinite, row.curve.values()))
    return finite and all(
        p.stored(row.values[p.key]) is not None for p in settings.space.parameters
    )
