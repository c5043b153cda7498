"""Plans the steps of a training again while it runs, so that it ends in its time.

The schedule of the learning rate, the validations, the averages and the thawing are functions of a
position between 0 and the planned steps. Each step moves it by 1. If after step s, at position p,
the total becomes t in place of the n planned steps, each of the steps that are left moves it by
(n - p) / (t - s). So the rate goes on from where it is, and the schedule still ends at its end.

What is planned again depends on the clock. The points (s, t) are recorded; a repeated or resumed
training that is given them makes the same steps with the same rates.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Point = tuple[int, int]
"""(steps done, steps in all from then on)."""

CHECKS = (*(share / 10 for share in range(1, 10)), 0.95, 0.98)
"""Shares of the time of the training after which its pace is compared with the plan."""
WARM_STEPS = 3
"""The first steps are slow, so the pace does not count them."""
LATE, LATE_OF_ALL = 0.05, 0.03
"""Steps are left out if the training would end later than planned by more than these shares of the
time that it still needs, and of its whole time."""
EARLY = 0.25
"""Steps that were left out are made after all if this share more fits into the time."""
LEAST_AFTER_RESUME = 0.05
"""A training that resumes makes at least this share of its steps, also if its time is up, so that
its rate ends low: a resumed run has spent some of it on its start."""
LAST = 0.8
"""After this share of the time only the pace since the last check counts; before, its mean with
that of all steps, since a disturbance may pass."""
SLOWER, SLOWEST = 1.1, 5.0
"""What follows the training takes longer too if its steps do by more than the first factor, at most
by the second."""


class StepPlan:
    """The steps of a training and its positions: `planned` at the start, `steps` now."""

    def __init__(self, planned: int, points: Iterable[Point] = ()) -> None:
        self.planned = planned
        self.points: list[Point] = []
        self._parts: list[tuple[int, float, int]] = [(0, 0, planned)]
        for step, steps in points:
            self.change(step, steps)

    @property
    def steps(self) -> int:
        """The steps of the whole training, as planned now."""
        return self._parts[-1][2]

    def change(self, step: int, steps: int) -> None:
        """Plan again: after `step` steps of now `steps`."""
        self._parts.append((step, self.position(step), steps))
        self.points.append((step, steps))

    def position(self, step: int) -> float:
        """The position after `step` steps; the number itself if nothing was planned again."""
        start, before, steps = next(part for part in reversed(self._parts) if part[0] <= step)
        if len(self._parts) == 1:
            return step
        if step >= steps:
            return self.planned
        return before + (step - start) * (self.planned - before) / (steps - start)

    def step_at(self, position: float) -> int | None:
        """The first step at a position or behind it; None if it is behind us since the last
        change."""
        if not self.points:
            return math.ceil(position)
        start, before, steps = self._parts[-1]
        if position <= before:
            return None
        share = (position - before) / (self.planned - before)
        return min(steps, max(start + 1, math.ceil(round(start + share * (steps - start), 6))))

    def steps_at(self, positions: Iterable[float]) -> set[int]:
        """The steps at positions that are not behind us."""
        steps = (self.step_at(position) for position in positions)
        return {step for step in steps if step is not None}


@dataclass(frozen=True, kw_only=True)
class TimePlan:
    """The time that a training has, in seconds.

    Args:
        ends_at: what follows the training in its fold should end then.
        step_s, validate_s: of a step and of a validation, as planned.
        after_s: what follows the training until `ends_at`, as planned.
        beyond_s: what follows `ends_at`, as planned, if nothing else can make up for it.
        scorings: validations after the last step.
    """

    ends_at: float
    step_s: float
    validate_s: float = 0.0
    after_s: float = 0.0
    beyond_s: float = 0.0
    scorings: int = 0

    @property
    def training_end(self) -> float:
        """When the training should end on a machine as fast as planned."""
        return self.ends_at - self.after_s


def _ignore(_step: int, _steps: int, _step_s: float) -> None:
    """Tell nobody."""


class Replanner:
    """Compares the pace of a training with its plan, and plans its steps again.

    Args:
        time_plan: None plans nothing again by the clock.
        given: what was planned again in the training that is repeated or resumed.
        on_change: (steps done, steps in all, seconds of a step), called before the next step.
        clock: the time in seconds.
    """

    def __init__(
        self,
        time_plan: TimePlan | None = None,
        given: Iterable[Point] = (),
        on_change: Callable[[int, int, float], None] = _ignore,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._time, self._given = time_plan, dict(given)
        self._on_change, self._clock = on_change, clock
        self.plan = StepPlan(0)
        self.validations: list[float] = []
        """The positions that a validation follows: evenly spread, the end included."""
        self._validated_s, self._validations, self._step_s = 0.0, 0, 0.0
        self._began, self._warm_until = clock(), WARM_STEPS
        self._marks: list[tuple[int, float]] = []
        """(step, seconds of training) when the pace was looked at."""
        self._next_check = CHECKS[0]
        self._least_steps = 0

    def begin(self, planned: int, done: int = 0, validations: int = 1) -> None:
        """Start a training of `planned` steps, of which `done` are done."""
        self.validations = [planned * (i + 1) / validations for i in range(validations)]
        self.plan = StepPlan(planned, [each for each in self._given.items() if each[0] <= done])
        self._began = self._clock()
        self._least_steps = done + math.ceil(LEAST_AFTER_RESUME * planned) if done else 0
        self._warm_until = max([done, *self._given]) + WARM_STEPS

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Measure a validation, which does not count in the pace."""
        began = self._clock()
        yield
        self._validated_s += self._clock() - began
        self._validations += 1

    def wanted(self, step: int) -> int:
        """The steps of the whole training after `step`, if they should be others than now, else
        0."""
        if self._given and step <= max(self._given):
            return self._given.get(step, 0)
        if self._time is None or step >= self.plan.steps:
            return 0
        now = self._clock()
        mark = (step, now - self._validated_s)
        if not self._marks:
            self._marks = [mark] if step >= self._warm_until else []
            return 0
        share = (now - self._began) / max(1e-9, self._time.training_end - self._began)
        if share < self._next_check or step < self._marks[-1][0] + 2:
            return 0
        self._next_check = next((check for check in CHECKS if check > share), math.inf)
        self._step_s = self._pace(mark, share)
        self._marks.append(mark)
        return self._steps(step, now)

    def change(self, step: int, steps: int) -> None:
        """Plan again after `step` steps, as all ranks agreed."""
        self.plan.change(step, steps)
        if step not in self._given:
            self._on_change(step, steps, self._step_s)

    def _pace(self, now: tuple[int, float], share: float) -> float:
        """Seconds of a step, after a share of the time."""

        def since(mark: tuple[int, float]) -> float:
            return (now[1] - mark[1]) / (now[0] - mark[0])

        recent = since(self._marks[-1])
        return recent if share >= LAST else (recent + since(self._marks[0])) / 2

    def _steps(self, step: int, now: float) -> int:
        """The steps that end in time; 0 if that is close to the plan."""
        assert self._time
        plan, pace = self._time, max(1e-9, self._step_s)
        slow = min(SLOWEST, pace / max(1e-9, plan.step_s))
        slow = slow if slow > SLOWER else 1.0
        validate_s = plan.validate_s * slow
        if self._validations:
            validate_s = max(validate_s, self._validated_s / self._validations)
        left_s = plan.training_end - plan.after_s * (slow - 1) - plan.beyond_s * (slow - 1) - now
        here = self.plan.position(step)
        left_s -= (sum(each > here for each in self.validations) + plan.scorings) * validate_s
        left = self.plan.steps - step
        late_s = left * pace - left_s
        fitting = max(step + 1, step + int(left_s / pace), self._least_steps)
        whole_s = plan.training_end - self._began
        if late_s > max(LATE * left * pace, LATE_OF_ALL * whole_s):
            return fitting if fitting < self.plan.steps else 0
        if self.plan.steps < self.plan.planned and fitting - step > (1 + EARLY) * left:
            return min(self.plan.planned, fitting)
        return 0
