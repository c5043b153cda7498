"""The time budget of a run, converted to optimizer steps.

The time of a step is measured once, at the start of the run. Before each fold the remaining time is
split between the remaining folds, by the measured cost of the last fold. The number of steps of a
fold is fixed when the fold starts, so that its schedule ends at the lowest rate, and is written to
run.json: a repeated run uses the same numbers and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comp.errors import RunError
from comp.runs.results import FoldResult

SAFETY = 0.97
"""Share of the remaining time that is planned; the rest is a reserve."""

MIN_STEPS = 5
"""A budget must allow at least this many steps per fold."""

MIN_SHARE = 0.25
"""A fold must train at least this share of the steps of the longest finished fold; a shorter one
would lower the average of the folds, so it is skipped."""


@dataclass(frozen=True, kw_only=True)
class FoldCost:
    """Measured cost of a fold, in seconds.

    `step_s` is one optimizer step, `fixed_s` the rest of the fold (reading, scoring, predicting),
    and `reserve_s` the work after the last fold. `halved` says whether the batch size was halved.
    """

    step_s: float
    fixed_s: float
    reserve_s: float
    halved: bool = False

    def fold_s(self, steps: int) -> float:
        """Seconds of a fold with this many steps."""
        return self.fixed_s + steps * self.step_s


def steps_within(seconds: float, folds: int, cost: FoldCost) -> int:
    """Optimizer steps per fold, so that `folds` folds fit into `seconds`; at least 1."""
    training_s = (seconds * SAFETY - cost.reserve_s) / folds - cost.fixed_s
    return max(1, int(training_s / cost.step_s))


def enough_steps(steps: int, results: Sequence[FoldResult]) -> bool:
    """Whether a fold with this many steps is worth training after the finished folds."""
    longest = max((result.planned for result in results), default=0)
    return steps >= MIN_SHARE * longest


def check_budget(seconds: float, folds: int, cost: FoldCost) -> None:
    """Check that `MIN_STEPS` steps of each fold fit into the remaining budget.

    Raises:
        RunError: they do not fit; the message says how much time the folds need.
    """
    needed = (folds * cost.fold_s(MIN_STEPS) + cost.reserve_s) / SAFETY
    if seconds < needed:
        raise RunError(
            f"the budget is too small: {max(0.0, seconds):.0f} s are left, but {folds} folds need "
            f"{needed:.0f} s to train {MIN_STEPS} steps each and to predict; increase the budget, "
            "or train single folds with --fold"
        )


def cost_of(result: FoldResult, seconds: float) -> FoldCost:
    """The cost of a finished fold that took `seconds` in total."""
    training_s = result.fit_s - result.validate_s
    return FoldCost(
        step_s=training_s / result.steps,
        fixed_s=max(0.0, seconds - training_s),
        reserve_s=result.setup_s,
    )
