"""Steps that are planned again: positions of the schedule, and a clock that is not the real one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from comp.config.sections import OptimConfig
from comp.training.optim import make_optimizer
from comp.training.replanning import Replanner, StepPlan, TimePlan
from comp.training.schedule import make_schedule

SCHEDULES = ("cosine", "one-cycle", "step", "constant", "plateau")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """Trains `planned` steps of a second, and `validations` of `validate_s`, by a clock. From the
    share `slow_after` of its time on, everything takes `factor` times as long."""

    def __init__(
        self,
        planned: int = 200,
        *,
        factor: float = 1.0,
        slow_after: float = 0.0,
        slow_until: float = 9.9,
        validations: int = 3,
        validate_s: float = 2.0,
        after_s: float = 10.0,
    ) -> None:
        self.planned, self.factor, self.validate_s = planned, factor, validate_s
        self.validations, self.after_s = validations, after_s
        self.whole_s = planned * 1.0 + validations * validate_s + after_s
        self.slow = (slow_after, slow_until)
        self.clock, self.made, self.changes = Clock(), 0, list[tuple[int, int]]()

    def spend(self, seconds: float) -> None:
        share = (self.clock.now - 100.0) / self.whole_s
        self.clock.now += seconds * (self.factor if self.slow[0] <= share < self.slow[1] else 1)

    def run(self) -> float:
        """Train; returns the seconds, as a share of those that were planned."""
        time_plan = TimePlan(
            ends_at=100.0 + self.whole_s,
            step_s=1.0,
            validate_s=self.validate_s,
            after_s=self.after_s,
        )
        planner = Replanner(time_plan, clock=self.clock)
        planner.begin(self.planned, validations=self.validations)
        validated = planner.plan.steps_at(planner.validations)
        step = count = 0
        while step < planner.plan.steps:
            self.spend(1.0)
            step += 1
            steps, validate = planner.wanted(step), step in validated
            if steps:
                planner.change(step, steps)
                validated = planner.plan.steps_at(planner.validations)
            if validate:
                count += 1
                with planner.validating():
                    self.spend(self.validate_s)
        assert count == self.validations
        self.made, self.changes = step, planner.plan.points
        self.spend(self.after_s)
        return (self.clock.now - 100.0) / self.whole_s


def test_without_a_change_the_position_is_the_step() -> None:
    plan = StepPlan(10)
    assert [plan.position(step) for step in range(11)] == list(range(11))
    assert all(isinstance(plan.position(step), int) for step in range(11))
    assert plan.steps_at([10 / 3, 20 / 3, 10.0]) == {4, 7, 10}


def test_fewer_steps_move_the_position_from_where_it_is_to_the_end() -> None:
    plan = StepPlan(10)
    plan.change(4, 7)
    assert [plan.position(step) for step in range(8)] == [0, 1, 2, 3, 4, 6, 8, 10]
    plan.change(5, 6)
    assert [plan.position(step) for step in (4, 5, 6)] == [4, 6, 10]
    assert plan.steps == 6
    assert plan.points == [(4, 7), (5, 6)]


def test_the_position_ends_exactly_at_the_planned_steps() -> None:
    plan = StepPlan(1000, [(333, 777), (401, 613), (602, 612)])
    assert plan.position(612) == 1000
    positions = [plan.position(step) for step in range(613)]
    assert positions == sorted(set(positions))


def test_steps_that_are_left_out_can_come_back() -> None:
    plan = StepPlan(10, [(4, 7), (5, 9)])
    assert [plan.position(step) for step in range(4, 10)] == [4, 6, 7, 8, 9, 10]


def test_validations_move_with_the_position_and_the_last_one_stays_at_the_end() -> None:
    plan = StepPlan(30)
    plan.change(12, 18)
    assert plan.steps_at([10, 20, 30]) == {15, 18}  # the first one is behind us
    plan.change(17, 18)
    assert plan.steps_at([10, 20, 30]) == {18}


def test_a_machine_as_fast_as_planned_plans_nothing_again() -> None:
    machine = Machine()
    assert machine.run() == pytest.approx(1.0)
    assert (machine.made, machine.changes) == (200, [])


def test_a_machine_a_little_slower_plans_nothing_again() -> None:
    machine = Machine(factor=1.02)
    assert machine.run() < 1.03
    assert machine.changes == []


@pytest.mark.parametrize("slow_after", [0.0, 0.3, 0.5, 0.7, 0.85, 0.9, 0.95])
def test_a_machine_that_becomes_twice_as_slow_ends_in_time(slow_after: float) -> None:
    machine = Machine(factor=2.0, slow_after=slow_after)
    assert machine.run() <= 1.1
    assert len(machine.changes) <= 8
    assert machine.made < 200 or slow_after == 0.95


def test_a_machine_that_is_fast_again_makes_steps_that_were_left_out() -> None:
    short = Machine(factor=3.0, slow_after=0.2, slow_until=0.4)
    assert 0.9 < short.run() <= 1.03
    (_, fewest), (_, last) = min(short.changes, key=lambda c: c[1]), short.changes[-1]
    assert fewest < last < 200


def test_slow_validations_take_their_time_from_the_steps() -> None:
    machine = Machine(validations=5, validate_s=20.0, factor=2.0, slow_after=0.1)
    assert machine.run() <= 1.1


def test_a_plan_of_a_few_steps_ends_with_at_least_one_more() -> None:
    machine = Machine(planned=6, factor=50.0, slow_after=0.5, validations=1)
    machine.run()
    assert machine.made <= 6


def test_given_points_are_followed_without_a_clock() -> None:
    told: list[tuple[int, int]] = []
    planner = Replanner(given=[(3, 8), (5, 6)], on_change=lambda s, t, _: told.append((s, t)))
    planner.begin(10)
    for step in range(1, 7):
        steps = planner.wanted(step)
        if steps:
            planner.change(step, steps)
    assert planner.plan.points == [(3, 8), (5, 6)]
    assert told == []


def test_a_resumed_training_starts_with_the_points_behind_it() -> None:
    planner = Replanner(given=[(3, 8), (5, 6)])
    planner.begin(10, done=4)
    assert planner.plan.points == [(3, 8)]
    assert planner.wanted(5) == 6
    assert planner.plan.position(4) == StepPlan(10, [(3, 8)]).position(4)


def test_the_clock_waits_for_the_given_points() -> None:
    clock = Clock()
    planner = Replanner(TimePlan(ends_at=110.0, step_s=1.0), [(8, 9)], clock=clock)
    planner.begin(10)
    for step in range(1, 8):
        clock.now += 50.0
        assert planner.wanted(step) == 0
    assert planner.wanted(8) == 9


def rates(schedule: str, plan: StepPlan) -> list[float]:
    """The learning rate of each step, and the one after the last."""
    settings: dict[str, Any] = {"schedule": schedule, "lr": 0.5, "warmup": 0.2, "min_lr": 0.01}
    optim = OptimConfig(**settings)
    optimizer = make_optimizer(torch.nn.Linear(2, 2), optim)
    made = make_schedule(optimizer, optim, plan.planned)
    found = []
    for step in range(plan.steps + 1):
        made.step_update(plan.position(step))
        found.append(float(optimizer.param_groups[0]["lr"]))
    return found


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("points", [[(10, 60)], [(50, 75)], [(50, 75), (60, 66)], [(99, 100)]])
def test_every_schedule_goes_on_from_its_rate_to_its_end(
    schedule: str, points: list[tuple[int, int]]
) -> None:
    """Between two steps the rate never changes more than in as many steps of the whole schedule."""
    plan = StepPlan(100, points)
    whole, short = rates(schedule, StepPlan(100)), rates(schedule, plan)
    assert short[: points[0][0] + 1] == whole[: points[0][0] + 1]
    assert short[-1] == whole[-1]
    assert len(short) == plan.steps + 1
    for step in range(1, len(short)):
        between = whole[int(plan.position(step - 1)) : int(plan.position(step)) + 2]
        assert min(between) - 1e-9 <= short[step] <= max(between) + 1e-9


def test_a_resumed_training_whose_time_is_up_still_anneals() -> None:
    """At least 5 % of the planned steps follow, so that the rate ends low."""
    clock = Clock()
    planner = Replanner(TimePlan(ends_at=clock.now + 3.0, step_s=1.0), clock=clock)
    planner.begin(1000, done=500)
    step = 500
    while step < planner.plan.steps:
        clock.now += 1.0
        step += 1
        if steps := planner.wanted(step):
            planner.change(step, steps)
    assert step == 550
    assert planner.plan.position(step) == 1000
