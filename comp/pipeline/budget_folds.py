"""How many folds a budget has room for."""

from __future__ import annotations

import time
from dataclasses import replace

from comp.errors import RunError
from comp.pipeline.budget_advice import advice
from comp.pipeline.budget_rounds import folds_in_rounds
from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunInputs
from comp.runs.progress import Reporter
from comp.training.budget import MIN_STEPS, FoldCost, seconds_needed


def within_budget(
    inputs: RunInputs, cost: FoldCost, began: float, reporter: Reporter, slots: int = 1
) -> RunInputs:
    """The inputs with as many folds as the budget has room for; a note names those left out.

    Args:
        began: `time.perf_counter()` when the budget began to count.
        slots: how many trainings run at the same time.

    Raises:
        RunError: not even one fold has room for a few steps.
    """
    if not inputs.config.budget:
        return inputs
    seconds = budget_of_folds(inputs) - (time.perf_counter() - began)
    folds = inputs.folds_to_train
    count = folds_in_rounds(seconds, len(folds), cost, inputs.config.seeds, slots)
    if count == 0:
        raise RunError(
            f"the budget is too small: {_left_and_needed(seconds, seconds_needed(1, cost))} "
            f"({cost_text(cost)}): "
            f"set {advice(inputs, cost, seconds, 1)}"
        )
    if count == len(folds):
        return inputs
    left_out = folds[count:]
    reporter.note(
        f"THE BUDGET HAS ROOM FOR {count} OF {len(folds)} FOLDS ({cost_text(cost)}): left out "
        f"{', '.join(map(str, left_out))}, so the score is that of a part of the training samples; "
        f"for more folds set {advice(inputs, cost, seconds, len(folds))}"
    )
    return replace(inputs, folds_to_train=folds[:count], left_out=[*inputs.left_out, *left_out])


def _left_and_needed(left: float, needed: float) -> str:
    """Seconds that are left and that a fold needs, with as many digits as tell them apart."""
    left = max(0.0, left)
    for digits in range(4):
        texts = f"{left:.{digits}f}", f"{needed:.{digits}f}"
        if texts[0] != texts[1]:
            break
    return f"{texts[0]} s are left, but one fold needs {texts[1]} s"


def cost_text(cost: FoldCost) -> str:
    """What a fold costs, predictions and training apart."""
    validating = f", validating {_seconds(cost.validate_s)}" if cost.validate_s >= 0.5 else ""
    return (
        f"predicting takes {_seconds(cost.predict_s)} of each fold{validating}, training "
        f"{_seconds(cost.step_s)} a step, at least {MIN_STEPS} steps"
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
