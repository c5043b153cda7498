"""The meter of a training, with a clock that the test controls."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch

from comp.training.meter import Meter


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("comp.training.meter.time.perf_counter", clock)
    return clock


def test_the_report_is_the_mean_loss_and_the_rate_since_the_last(clock: Clock) -> None:
    meter = Meter()
    meter.add(torch.tensor(1.0), 4)
    meter.add(torch.tensor(2.0), 2)
    clock.now += 3.0
    assert meter.report() == (1.5, 2.0)
    meter.add(torch.tensor(5.0), 8)
    clock.now += 2.0
    assert meter.report() == (5.0, 4.0)
    assert meter.images == 14
    assert meter.seconds == 5.0


def test_low_precision_losses_are_averaged_in_fp32(clock: Clock) -> None:
    meter = Meter()
    for value in (1.0, 2.0, 2.0):
        meter.add(torch.tensor(value, dtype=torch.bfloat16), 1)
    assert meter.report()[0] == pytest.approx(5 / 3, abs=1e-6)


def test_a_report_shows_a_loss_that_is_not_finite(clock: Clock) -> None:
    meter = Meter()
    meter.add(torch.tensor(1.0), 1)
    meter.add(torch.tensor(float("nan")), 1)
    assert math.isnan(meter.report()[0])


def test_losses_do_not_keep_the_graph_alive(clock: Clock) -> None:
    meter, weight = Meter(), torch.ones(1, requires_grad=True)
    meter.add((weight * 3).sum(), 1)
    assert not meter._losses[0].requires_grad


def test_a_report_is_due_after_half_a_second(clock: Clock) -> None:
    meter = Meter()
    clock.now += 0.49
    assert not meter.due()
    clock.now += 0.02
    assert meter.due()
    meter.add(torch.tensor(0.0), 1)
    meter.report()
    assert not meter.due()


def test_only_the_time_until_a_batch_arrives_counts_as_waiting(clock: Clock) -> None:
    def batches() -> Iterator[int]:
        for i in range(3):
            clock.now += 0.25
            yield i

    meter, seen = Meter(), []
    for batch in meter.waiting(batches()):
        seen.append(batch)
        clock.now += 10.0
    assert seen == [0, 1, 2]
    assert meter.wait_s == 0.75


def test_validation_does_not_count_as_training_time(clock: Clock) -> None:
    meter = Meter()
    clock.now += 1.0
    meter.add(torch.tensor(1.0), 6)
    with meter.validating():
        clock.now += 50.0
    clock.now += 1.0
    assert meter.report() == (1.0, 3.0)
    assert meter.validate_s == 50.0
    assert meter.seconds == 52.0


def test_the_last_learning_rate_is_part_of_the_state_and_may_be_missing(clock: Clock) -> None:
    meter, other = Meter(), Meter()
    meter.add(torch.tensor(1.0), 1, 0.5)
    state = meter.state_dict()
    other.load_state_dict(state)
    assert other.lr == 0.5
    del state["lr"]
    other.load_state_dict(state)
    assert math.isnan(other.lr)
