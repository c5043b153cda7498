"""What a run leaves out if its budget has no room for one fold: copies at test time, validations.

These cost little of the score, and a run with them would be refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from comp.config.durations import duration_key
from comp.config.schema import RunConfig
from comp.inference.tta import SYMMETRIES, resolve_tta
from comp.pipeline.budget_advice import MARGIN, with_one_validation, without_copies
from comp.pipeline.budget_rounds import folds_in_rounds
from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunInputs
from comp.runs.progress import Reporter
from comp.training.budget import FoldCost, seconds_needed

Change = tuple[str, RunConfig, FoldCost]
"""(the setting, the configuration with it, what a fold then costs)."""


def made_to_fit(
    inputs: RunInputs, cost: FoldCost, began: float, reporter: Reporter, slots: int = 1
) -> tuple[RunInputs, FoldCost]:
    """The inputs and the cost of a fold, with cheaper settings if a fold fits only with them; a
    note says so. Without room for a fold even then, nothing changes.

    Args:
        began: `time.perf_counter()` when the budget began to count.
        slots: how many trainings run at the same time.
    """
    config = inputs.config
    if not config.budget:
        return inputs, cost
    seconds = budget_of_folds(inputs) - (time.perf_counter() - began)

    def fits(changed: FoldCost) -> bool:
        count, seeds = len(inputs.folds_to_train), config.seeds
        return folds_in_rounds(seconds, count, changed, seeds, slots) > 0

    if fits(cost):
        return inputs, cost
    words = []
    for setting, changed, cheaper in _changes(inputs, cost):
        words.append(setting)
        if fits(cheaper):
            missing = MARGIN * seconds_needed(1, cost) - seconds
            reporter.note(
                f"THE BUDGET IS SMALL: one fold would need {seconds_needed(1, cost):.0f} s, and "
                f"{max(0.0, seconds):.0f} s are left, so the run sets {' and '.join(words)}; "
                f"budget={duration_key(config.budget + missing)} has room without that"
            )
            return replace(inputs, config=changed), cheaper
    return inputs, cost


def _changes(inputs: RunInputs, cost: FoldCost) -> Iterator[Change]:
    """Cheaper settings, each with those before it. Cached features contain the copies."""
    config = inputs.config
    copies = len(SYMMETRIES[resolve_tta(inputs.competition, config)])
    if copies > 1 and not inputs.features.cache:
        predict = config.predict.model_copy(update={"tta": "none"})
        config = config.model_copy(update={"predict": predict})
        cost = without_copies(cost, copies)
        yield "predict.tta=none", config, cost
    if config.validations > 1:
        cost = with_one_validation(cost, config)
        yield "validations=1", config.model_copy(update={"validations": 1}), cost
