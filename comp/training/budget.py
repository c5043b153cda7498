"""Wall-clock time turned into optimizer steps.

The step time is measured once, at the start. Before each fold the time that is left is dealt to
the folds that are left, by what the fold before it really took. A fold's number of steps is fixed
when it begins, so that its schedule anneals fully, and stands in run.json: a repeat of the run uses
the same numbers and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comp.errors import RunError
from comp.runs.results import FoldResult

SAFETY = 0.97
"""Share of the remaining time that is planned for; the rest is for what nobody foresaw."""

LEAST_STEPS = 5
"""A budget that has no room for so many steps a fold is refused."""


LEAST_SHARE = 0.25
"""A fold for which there is time for a smaller share of the steps of an earlier one is left out: it
would spoil the average that it goes into."""


@dataclass(frozen=True, kw_only=True)
class FoldCost:
    """Seconds: of an optimizer step, of all else in a fold (reading, scoring, predicting), and of
    what is left to do after the last fold; and whether the batches had to be halved."""

    step_s: float
    fixed_s: float
    reserve_s: float
    halved: bool = False

    def fold_s(self, steps: int) -> float:
        """Seconds of a fold of this many steps."""
        return self.fixed_s + steps * self.step_s


def steps_within(seconds: float, folds: int, cost: FoldCost) -> int:
    """Optimizer steps of each of `folds` folds that fit into `seconds` together; at least 1."""
    each = (seconds * SAFETY - cost.reserve_s) / folds - cost.fixed_s
    return max(1, int(each / cost.step_s))


def enough_steps(steps: int, results: Sequence[FoldResult]) -> bool:
    """Whether a fold of so many steps is worth its time after those that are finished."""
    most = max((result.planned for result in results), default=0)
    return steps >= LEAST_SHARE * most


def check_budget(seconds: float, folds: int, cost: FoldCost) -> None:
    """Make sure that a few steps of each fold fit into what is left of a budget.

    Raises:
        RunError: saying how much time the folds need.
    """
    least = (folds * cost.fold_s(LEAST_STEPS) + cost.reserve_s) / SAFETY
    if seconds < least:
        raise RunError(
            f"the budget is too small: {seconds:.0f} s are left of it, and {folds} folds need "
            f"{least:.0f} s to train {LEAST_STEPS} steps each and predict; give more time, or "
            "train only some folds with --fold"
        )


def cost_of(result: FoldResult, seconds: float) -> FoldCost:
    """What a fold cost that took `seconds` in all."""
    training_s = result.fit_s - result.validate_s
    return FoldCost(
        step_s=training_s / result.steps,
        fixed_s=max(0.0, seconds - training_s),
        reserve_s=result.setup_s,
    )
