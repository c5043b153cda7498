"""The time budget of a run, converted to optimizer steps.

The time of a step is measured once, at the start of the run. Before each fold the remaining time is
split between the remaining folds, by the measured cost of the last fold. The number of steps of a
fold is fixed when the fold starts, so that its schedule ends at the lowest rate, and is written to
run.json: a repeated run uses the same numbers and measures nothing. While a fold trains,
`comp.training.replanning` plans its steps again if they take longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comp.runs.results import FoldResult

SAFETY = 0.97
"""Share of the remaining time that is planned; the rest is a reserve."""

MIN_STEPS = 5
"""A fold that the budget has room for trains at least this many steps."""

MIN_SHARE = 0.25
"""A fold must train at least this share of the steps of the longest finished fold; a shorter one
would lower the average of the folds, so it is skipped."""


@dataclass(frozen=True, kw_only=True)
class FoldCost:
    """Measured cost of a fold, in seconds.

    `step_s` is one optimizer step, `fixed_s` the rest of the fold (reading, scoring, predicting,
    the submission), and `reserve_s` the work after the last fold. `predict_s`, `validate_s` and
    `submit_s` are parts of `fixed_s`: the predictions of the held-out and test samples, all
    validations, and what follows the predictions, such as the submission. `halved` says whether the
    batch size was halved.
    """

    step_s: float
    fixed_s: float
    reserve_s: float
    halved: bool = False
    predict_s: float = 0.0
    validate_s: float = 0.0
    submit_s: float = 0.0

    @property
    def setup_s(self) -> float:
        """Seconds of reading and building."""
        return max(0.0, self.fixed_s - self.predict_s - self.validate_s - self.submit_s)

    def fold_s(self, steps: int) -> float:
        """Seconds of a fold with this many steps."""
        return self.fixed_s + steps * self.step_s

    def repeated(self, times: float) -> FoldCost:
        """The cost of a fold with this many times its trainings, which all make the same steps."""
        names = ("step_s", "fixed_s", "predict_s", "validate_s", "submit_s")
        return replace(self, **{name: getattr(self, name) * times for name in names})


def steps_within(seconds: float, folds: int, cost: FoldCost) -> int:
    """Optimizer steps per fold, so that `folds` folds fit into `seconds`; at least 1."""
    training_s = (seconds * SAFETY - cost.reserve_s) / folds - cost.fixed_s
    return max(1, int(training_s / cost.step_s))


def fold_seconds(seconds: float, folds: int, cost: FoldCost) -> float:
    """Seconds of each of `folds` folds, if they share `seconds`, as `steps_within` plans them."""
    return (seconds * SAFETY - cost.reserve_s) / folds


def enough_steps(steps: int, results: Sequence[FoldResult]) -> bool:
    """Whether a fold with this many steps is worth training after the finished folds."""
    longest = max((result.planned_first or result.planned for result in results), default=0)
    return steps >= MIN_SHARE * longest


def seconds_needed(folds: int, cost: FoldCost) -> float:
    """The smallest budget in which each of `folds` folds trains `MIN_STEPS` steps."""
    return (folds * cost.fold_s(MIN_STEPS) + cost.reserve_s) / SAFETY


def folds_within(seconds: float, folds: int, cost: FoldCost) -> int:
    """How many of `folds` folds have room for `MIN_STEPS` steps each; 0 if not even one has."""
    return next((n for n in range(folds, 0, -1) if seconds_needed(n, cost) <= seconds), 0)


def cost_of(
    result: FoldResult, seconds: float, summary_s: float = 0.0, readings: int = 1
) -> FoldCost:
    """The cost of the networks of a finished fold that took `seconds` in total.

    Args:
        summary_s: seconds of the scores after the last fold.
        readings: how often the samples are read after it.
    """
    training_s = result.fit_s - result.validate_s
    return FoldCost(
        step_s=training_s / result.steps,
        fixed_s=max(0.0, seconds - training_s - result.estimate_s),
        reserve_s=max(result.setup_s, summary_s) + (readings - 1) * result.setup_s,
        predict_s=result.predict_s,
        validate_s=result.validate_s,
        submit_s=max(0.0, seconds - result.seconds),
    )
