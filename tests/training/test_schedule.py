"""The learning rate of every schedule, step by step, and resuming it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from timm.scheduler import CosineLRScheduler
from torch import nn

from comp.config.sections import OptimConfig
from comp.training.optim import make_optimizer
from comp.training.schedule import Schedule, make_schedule

SCHEDULES = ["constant", "cosine", "step", "one-cycle", "plateau"]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 1))


def made(
    steps: int, direction: Any = "max", **config: object
) -> tuple[torch.optim.Optimizer, Schedule]:
    optim = OptimConfig(**config)
    optimizer = make_optimizer(network(), optim)
    return optimizer, make_schedule(optimizer, optim, steps, direction)


def rates(steps: int, **config: object) -> list[float]:
    """The learning rate of every step, and the one after the last."""
    optim = OptimConfig(**config)
    optimizer = make_optimizer(network(), optim)
    schedule = make_schedule(optimizer, optim, steps)
    found = [optimizer.param_groups[0]["lr"]]
    for step in range(1, steps + 1):
        schedule.step_update(step)
        assert len({group["lr"] for group in optimizer.param_groups}) == 1
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_the_cosine_rises_over_the_warm_up_and_falls_to_the_floor() -> None:
    found = rates(20, lr=0.5, warmup=0.2, min_lr=0.1)
    assert found[0] == pytest.approx(0.005)
    assert found[2] == pytest.approx((0.005 + 0.5) / 2)
    assert found[4] == pytest.approx(0.5)
    assert max(found) == found[4]
    assert found[12] == pytest.approx(0.3)
    assert found[19] == pytest.approx(0.1 + 0.2 * (1 + math.cos(math.pi * 15 / 16)))
    assert found[20] == pytest.approx(0.1)
    assert found[4:] == sorted(found[4:], reverse=True)


def test_the_cosine_without_a_warm_up_begins_at_its_peak() -> None:
    found = rates(8, lr=0.2, warmup=0.0)
    assert found == pytest.approx([0.1 * (1 + math.cos(math.pi * i / 8)) for i in range(9)])


def test_the_constant_schedule_warms_up_and_stays() -> None:
    found = rates(10, lr=0.4, warmup=0.2, schedule="constant", min_lr=0.1)
    assert found == pytest.approx([0.004, 0.202, *[0.4] * 9])


def test_one_step_is_made_at_the_peak() -> None:
    assert rates(1, lr=0.3, warmup=0.9) == pytest.approx([0.3, 0.0])


def test_a_warm_up_leaves_at_least_one_step_after_it() -> None:
    assert rates(2, lr=0.4, warmup=0.99) == pytest.approx([0.004, 0.4, 0.0])


def test_the_schedule_reaches_the_optimizer_that_makes_the_steps() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optim = OptimConfig(name="sgd", lr=0.5, warmup=0.0, weight_decay=0.0)
    model = nn.ParameterList([weight])
    optimizer = make_optimizer(model, optim)
    schedule = make_schedule(optimizer, optim, 2)
    schedule.step_update(2)
    weight.grad = torch.ones(1)
    optimizer.step()
    assert weight.item() == 1.0


def test_the_cosine_is_timms_to_the_last_bit() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.37)
    timms = CosineLRScheduler(
        optimizer, t_initial=50 - 3, lr_min=0.01, warmup_t=3, warmup_lr_init=0.0037,
        warmup_prefix=True, t_in_epochs=False,
    )  # fmt: skip
    expected = []
    for step in range(51):
        timms.step_update(step)
        expected.append(optimizer.param_groups[0]["lr"])
    assert rates(50, lr=0.37, warmup=0.06, min_lr=0.01) == expected


def test_steps_fall_each_time_their_share_is_over() -> None:
    found = rates(12, lr=0.8, warmup=0.25, schedule="step", every=1 / 3, decay=0.5)
    assert found[:3] == pytest.approx([0.008, 0.272, 0.536])
    assert found[3:12] == pytest.approx([0.8] * 3 + [0.4] * 3 + [0.2] * 3)


def test_one_cycle_rises_from_lr_over_25_and_falls_to_nearly_0() -> None:
    found = rates(20, lr=0.5, warmup=0.25, schedule="one-cycle")
    assert found[0] == pytest.approx(0.5 / 25)
    assert found.index(max(found)) == 4
    assert found[4] == pytest.approx(0.5)
    assert found[:5] == sorted(found[:5])
    assert found[4:] == sorted(found[4:], reverse=True)
    assert found[19] == found[20] == pytest.approx(0.5 / 25e4)


def test_one_cycle_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5, momentum=0.9)
    torchs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=30, pct_start=0.3)
    ours, schedule = made(30, name="sgd", lr=0.5, warmup=0.0, schedule="one-cycle")
    for step in range(30):
        schedule.step_update(step)
        expected, found = optimizer.param_groups[0], ours.param_groups[0]
        assert found["lr"] == pytest.approx(expected["lr"], rel=1e-12)
        assert found["momentum"] == expected["momentum"]
        if step < 29:
            optimizer.step()
            torchs.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 20, 21])
def test_one_cycle_of_any_length_has_its_peak(steps: int) -> None:
    found = rates(steps, lr=0.3, warmup=0.05, schedule="one-cycle")
    assert max(found[:steps]) == pytest.approx(0.3)
    assert all(0 < rate <= 0.3 for rate in found)


@pytest.mark.parametrize(
    ("config", "key", "before", "low"),
    [
        ({"name": "sgd"}, "momentum", 0.95, 0.85),
        ({"name": "sgd", "momentum": 0.0}, "momentum", 0.0, 0.0),
        ({"name": "adamw", "betas": [0.9, 0.97]}, "betas", (0.95, 0.97), (0.85, 0.97)),
        ({"name": "muon"}, "momentum", 0.95, 0.85),
        ({"name": "adagrad"}, "momentum", None, None),
    ],
)
def test_one_cycle_turns_the_momentum_where_there_is_one(
    config: dict[str, Any], key: str, before: object, low: object
) -> None:
    optimizer, schedule = made(10, schedule="one-cycle", warmup=0.4, **config)
    assert optimizer.param_groups[0].get(key) == pytest.approx(before)
    schedule.step_update(3)
    assert {str(group.get(key)) for group in optimizer.param_groups} == {str(low)}


@pytest.mark.parametrize("direction", ["max", "min"])
def test_plateau_falls_when_scores_get_no_better(direction: str) -> None:
    optimizer, schedule = made(
        100,
        direction,
        lr=0.8,
        warmup=0.0,
        schedule="plateau",
        decay=0.5,
        plateau_patience=1,
        min_lr=0.3,
    )
    found = []
    for step, score in enumerate([1.0, 2.0, 2.0, 1.9, 2.1, math.nan, 2.1, 2.1, 2.1, 2.1], 1):
        schedule.step_update(step)
        schedule.scored(score if direction == "max" else -score)
        found.append(optimizer.param_groups[0]["lr"])
    assert found == pytest.approx([0.8] * 3 + [0.4] * 3 + [0.3] * 4)


def test_plateau_falls_at_once_without_waiting() -> None:
    optimizer, schedule = made(
        10, lr=0.8, warmup=0.0, schedule="plateau", decay=0.5, plateau_patience=0
    )
    schedule.scored(1.0)
    schedule.scored(0.5)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.4)


def test_plateau_warms_up_first_and_counts_no_score_till_then() -> None:
    optimizer, schedule = made(10, lr=0.8, warmup=0.4, schedule="plateau", plateau_patience=0)
    found = []
    for step in range(1, 6):
        schedule.step_update(step)
        schedule.scored(-float(step))
        found.append(optimizer.param_groups[0]["lr"])
    assert found == pytest.approx([0.206, 0.404, 0.602, 0.8, 0.08])


@pytest.mark.parametrize("schedule", SCHEDULES[:4])
def test_other_schedules_do_not_mind_scores(schedule: str) -> None:
    optimizer, plan = made(10, lr=0.8, schedule=schedule)
    plan.step_update(5)
    before = optimizer.param_groups[0]["lr"]
    for _ in range(9):
        plan.scored(0.1)
    assert optimizer.param_groups[0]["lr"] == before


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_layers_have_their_share_of_every_rate(schedule: Any) -> None:
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr_scale": 0.25}]
    optimizer = torch.optim.SGD(groups, lr=0.8, momentum=0.9)
    optim = OptimConfig(lr=0.8, schedule=schedule, warmup=0.25, min_lr=0.1)
    plan = make_schedule(optimizer, optim, 8)
    for step in range(9):
        plan.step_update(step)
        plan.scored(0.0)
        head, layer = (group["lr"] for group in optimizer.param_groups)
        assert layer == pytest.approx(head / 4)
        assert 0 < head <= 0.8
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.8, 0.8]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("stop", [0, 3, 7])
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(schedule: str, stop: int) -> None:
    config: dict[str, Any] = {"lr": 0.8, "schedule": schedule, "warmup": 0.2, "name": "sgd"}
    scores = [0.1, 0.5, 0.4, 0.5, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0]

    def go(optimizer: torch.optim.Optimizer, plan: Schedule, steps: range) -> list[Any]:
        found = []
        for step in steps:
            plan.step_update(step)
            plan.scored(scores[step - 1])
            group = optimizer.param_groups[0]
            found.append((group["lr"], group["momentum"]))
        return found

    whole = go(*made(10, **config), range(1, 11))
    first = made(10, **config)
    go(*first, range(1, stop + 1))
    second = made(10, **config)
    second[1].load_state_dict(first[1].state_dict())
    assert second[0].param_groups[0]["lr"] == first[0].param_groups[0]["lr"]
    assert go(*second, range(stop + 1, 11)) == whole[stop:]
    assert len({lr for lr, _ in whole}) > 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_warm_up_starts_where_its_description_says(schedule: str) -> None:
    optimizer, _ = made(20, lr=0.5, warmup=0.2, schedule=schedule)
    divisor = 25 if schedule == "one-cycle" else 100
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 / divisor)
    description = OptimConfig.model_fields["warmup"].description or ""
    assert "from lr/100 to lr" in description
    assert "one-cycle: from lr/25" in description
