"""Optimizers by name, weight decay, and the shape of the schedule."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from comp.config import OptimConfig
from comp.errors import ConfigError
from comp.training.optim import make_optimizer, make_schedule


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 1))


def rates(steps: int, **config: object) -> list[float]:
    """The learning rate of every step, then the one after the last."""
    optim = OptimConfig(**config)
    optimizer = make_optimizer(network(), optim)
    schedule = make_schedule(optimizer, optim, steps)
    found = [optimizer.param_groups[0]["lr"]]
    for step in range(1, steps + 1):
        schedule.step_update(step)
        assert len({group["lr"] for group in optimizer.param_groups}) == 1
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", "AdamW"), ("AdamW", "AdamW"), ("sgd", "SGD"), ("lion", "Lion")]
)
def test_optimizers_are_found_by_timms_names(name: str, kind: str) -> None:
    assert type(make_optimizer(network(), OptimConfig(name=name))).__name__ == kind


@pytest.mark.parametrize("name", ["adamz", ""])
def test_an_unknown_optimizer_is_named_with_some_that_exist(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"unknown optimizer '{name}': timm has .*adabelief, "):
        make_optimizer(network(), OptimConfig(name=name))


def test_norms_and_biases_do_not_decay() -> None:
    model = network()
    optimizer = make_optimizer(model, OptimConfig(weight_decay=0.3))
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    found = {name: decay[id(p)] for name, p in model.named_parameters()}
    assert found == {
        "0.weight": 0.3,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "3.weight": 0.3,
        "3.bias": 0.0,
    }


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    model[0].requires_grad_(False)
    optimizer = make_optimizer(model, OptimConfig())
    there = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert there == {id(p) for part in (model[1], model[3]) for p in part.parameters()}


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


def test_an_optimizer_that_wants_other_betas_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(
        ConfigError, match=r"'adan' cannot be made .* optim\.betas = \[0\.9, 0\.99\]"
    ):
        make_optimizer(network(), OptimConfig(name="adan", betas=[0.9, 0.99]))


def test_betas_reach_the_optimizer() -> None:
    optimizer = make_optimizer(network(), OptimConfig(betas=[0.8, 0.95]))
    assert {group["betas"] for group in optimizer.param_groups} == {(0.8, 0.95)}
