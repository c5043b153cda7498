"""Means of weights: which steps, which mean, which statistics."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from comp.config.average import AverageConfig
from comp.config.schema import resolve
from comp.errors import ConfigError
from comp.training.averages import (
    WeightAverage,
    averaged_steps,
    check_average,
    refit_batch_norms,
    scorings,
    weights_in_memory,
)


def network(value: float = 0.0) -> nn.Module:
    """A network whose weight is `value`, with statistics of its own."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        model[0].weight.fill_(value)
        model[1].running_mean.fill_(10 * value)
        model[1].num_batches_tracked.fill_(int(value))
    return model


def weight(model: nn.Module) -> float:
    return float(model[0].weight.detach())


def larger(new: float, old: float | None) -> bool:
    return not math.isnan(new) and (old is None or new > old)


def no_refit(_model: nn.Module) -> None:
    raise AssertionError("only swa refits")


def taken(how: str, *values: float) -> WeightAverage:
    average = WeightAverage(how, frozenset(range(1, len(values) + 1)))
    for step, value in enumerate(values, start=1):
        average.update(network(value), step)
    return average


@pytest.mark.parametrize(
    ("settings", "steps", "expected"),
    [
        ({"last": 0.25, "count": 5}, 100, {80, 85, 90, 95, 100}),
        ({"last": 1.0, "count": 2}, 10, {5, 10}),
        ({"last": 0.5, "count": 3}, 7, {5, 6, 7}),
        ({"last": 0.1, "count": 5}, 10, {10}),
    ],
)
def test_steps_are_spread_over_the_end(settings: Any, steps: int, expected: set[int]) -> None:
    assert averaged_steps(AverageConfig(how="swa", **settings), steps) == expected


def test_without_a_mean_nothing_is_taken_and_nothing_costs() -> None:
    none = AverageConfig()
    assert (averaged_steps(none, 100), scorings(none), weights_in_memory(none)) == (set(), 0, 0)
    greedy = AverageConfig(how="greedy-soup", count=3)
    assert (scorings(greedy), weights_in_memory(greedy)) == (5, 3)


def test_a_soup_is_the_mean_of_weights_and_statistics_at_its_steps() -> None:
    average = WeightAverage("soup", frozenset({2, 4, 6}))
    for step, value in enumerate([9.0, 1.0, 9.0, 2.0, 9.0, 6.0], start=1):
        average.update(network(value), step)
    model = network()

    score, count = average.finish(model, weight, larger, no_refit)

    assert (score, count) == (pytest.approx(3.0), 3)
    assert weight(model) == pytest.approx(3.0)
    assert float(model[1].running_mean) == pytest.approx(30.0)
    assert int(model[1].num_batches_tracked) == 6


def test_swa_is_scored_after_the_refit() -> None:
    average, model = taken("swa", 1.0, 3.0), network()

    def refit(which: nn.Module) -> None:
        assert weight(which) == pytest.approx(2.0)
        which[1].running_mean.fill_(-1.0)

    score, _ = average.finish(model, lambda one: float(one[1].running_mean), larger, refit)
    assert score == -1.0


def test_a_greedy_soup_takes_what_does_not_lower_the_score() -> None:
    def near_two(model: nn.Module) -> float:
        return -abs(weight(model) - 2.0) if weight(model) > 0 else math.nan

    average, model = taken("greedy-soup", 9.0, 1.0, 2.9, -1.0), network()
    # alone 2.9 is best; with 1.0 the mean is 1.95, which is better; with 9.0 it is worse
    score, count = average.finish(model, near_two, larger, no_refit)

    assert (score, count) == (pytest.approx(-0.05), 2)
    assert weight(model) == pytest.approx(1.95)


def test_a_greedy_soup_without_a_score_says_so() -> None:
    score, count = taken("greedy-soup", 1.0).finish(network(), lambda _: math.nan, larger, no_refit)
    assert math.isnan(score)
    assert count == 0


@pytest.mark.parametrize("how", ["swa", "soup", "greedy-soup"])
def test_a_resumed_average_equals_an_uninterrupted_one(how: str) -> None:
    whole, before = taken(how, 0.1, 0.7, 0.4), taken(how, 0.1)
    after = WeightAverage(how, frozenset({2, 3}))
    after.load_state_dict(before.state_dict())
    for step, value in ((2, 0.7), (3, 0.4)):
        after.update(network(value), step)

    states = [one.state_dict() for one in (whole, after)]
    assert states[0]["count"] == states[1]["count"] == 3
    for left, right in zip(states[0]["taken"], states[1]["taken"], strict=True):
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_taken_weights_do_not_change_with_the_network() -> None:
    for how in ("soup", "greedy-soup"):
        average, model = WeightAverage(how, frozenset({1})), network(1.0)
        average.update(model, 1)
        with torch.no_grad():
            model[0].weight.fill_(5.0)
        assert float(average.taken[0]["0.weight"]) == 1.0


class _Frozen(nn.Sequential):
    """The first layer stays in evaluation mode, as that of a frozen stage does."""

    def train(self, mode: bool = True) -> _Frozen:
        super().train(mode)
        self[0].training = False
        return self


def test_a_refit_leaves_frozen_layers_and_draws_nothing() -> None:
    model = _Frozen(nn.BatchNorm1d(1), nn.Dropout(0.5), nn.BatchNorm1d(1))
    model[2].running_mean.fill_(99.0)
    batches = [torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [7.0]])]
    before = torch.get_rng_state()

    refit_batch_norms(model, batches, lambda network, batch: network(batch))

    assert float(model[0].running_mean) == 0.0
    assert float(model[2].running_mean) == pytest.approx(4.0, rel=1e-4)
    assert float(model[2].running_var) == pytest.approx(2.0, rel=1e-4)
    assert model[2].momentum == 0.1
    assert not model.training
    assert torch.equal(before, torch.get_rng_state())


def test_a_refit_of_a_network_without_statistics_reads_no_batch() -> None:
    refit_batch_norms(nn.Linear(1, 1), iter([]), no_refit)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optim": {"ema": 0.9}}, "set optim.ema = none"),
        ({"patience": 2}, "set patience = none"),
    ],
)
def test_two_rules_for_one_thing_are_refused(settings: dict[str, Any], words: str) -> None:
    average = {"average": {"how": "swa"}}
    with pytest.raises(ConfigError, match=words):
        check_average(resolve("x", [settings, average]))
    check_average(resolve("x", [settings]))
    check_average(resolve("x", [average]))
