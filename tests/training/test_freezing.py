"""Freezing during training, its report, and the check of the first step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError, RunError
from comp.models.classifier import Classifier, build_classifier
from comp.training.freezing import FirstStepCheck, apply_freezing, freezing_report
from comp.training.optim import make_optimizer

NAME = "test_resnet"


def config(**settings: Any) -> RunConfig:
    own = {"backbone": NAME, "image": {"size": 64}, "optim": {"lr": 0.01, "weight_decay": 0.1}}
    return resolve("toy", [own, settings])


def network(settings: RunConfig) -> Classifier:
    torch.manual_seed(0)
    return build_classifier(settings, 1)


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model.train()
    model(torch.rand(4, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


STAGED = {"freeze": "all", "thaw": {"how": "staged", "after": 2, "every": 1}}


def test_stages_thaw_from_the_head_down() -> None:
    settings = config(**STAGED)
    model = network(settings)
    below = len(model.stages) - 1
    frozen = []
    for epoch in (0.0, 1.9, 2.0, 3.0, 100.0):
        apply_freezing(model, settings, epoch)
        frozen.append(model.frozen)
    assert frozen == [below, below, below - 1, below - 2, 0]


def test_nothing_is_frozen_by_default() -> None:
    settings = config()
    model = network(settings)
    apply_freezing(model, settings, 0.0)
    assert model.frozen == 0
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_network_without_stages_cannot_be_frozen() -> None:
    with pytest.raises(ConfigError, match=r"freeze = all: Linear .* set freeze=none"):
        apply_freezing(nn.Linear(2, 1), config(freeze="all"), 0.0)


def test_the_report_names_every_stage_and_counts_every_parameter() -> None:
    settings = config(**STAGED)
    model = network(settings)
    optimizer = make_optimizer(model, settings.optim)
    apply_freezing(model, settings, 0.0)
    model.train()
    parts = freezing_report(model, optimizer, settings)

    assert [part.name for part in parts] == [stage.name for stage in model.stages]
    assert sum(part.parameters for part in parts) == sum(p.numel() for p in model.parameters())
    assert [part.frozen for part in parts] == [True] * (len(parts) - 1) + [False]
    below = len(parts) - 1
    assert [part.thaws for part in parts] == [float(below + 1 - i) for i in range(below)] + [0.0]
    assert {part.batch_norm for part in parts[:-1]} == {"eval"}
    assert parts[-1].lr == pytest.approx(0.01)
    assert parts[-1].weight_decay == pytest.approx(0.1)


def test_the_report_shows_never_and_layer_decay() -> None:
    settings = config(freeze=1, optim={"layer_decay": 0.5})
    model = network(settings)
    optimizer = make_optimizer(model, settings.optim)
    apply_freezing(model, settings, 0.0)
    model.train()
    parts = freezing_report(model, optimizer, settings)

    assert parts[0].thaws is None
    assert parts[0].frozen
    assert [part.batch_norm for part in parts[:2]] == ["eval", "train"]
    rates = [part.lr for part in parts]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.01)
    assert rates[1] < rates[-1]


def test_the_report_of_a_network_without_stages_is_empty() -> None:
    model = nn.Linear(2, 1)
    assert freezing_report(model, make_optimizer(model, config().optim), config()) == []


def test_a_correct_first_step_passes() -> None:
    settings = config(freeze=2)
    model = network(settings)
    optimizer = make_optimizer(model, settings.optim)
    apply_freezing(model, settings, 0.0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first_step = FirstStepCheck(model)
    step(model, optimizer)
    first_step.check(model)
    moved = {name for name, now in model.state_dict().items() if not now.equal(before[name])}
    assert moved
    assert not moved & {
        f"backbone.{name}" for stage in model.stages[:2] for name in stage.parameters
    }


@pytest.mark.parametrize("what", ["weight", "statistics"])
def test_a_frozen_stage_that_changes_is_an_error(what: str) -> None:
    settings = config(freeze=2)
    model = network(settings)
    apply_freezing(model, settings, 0.0)
    optimizer = make_optimizer(network(config()), settings.optim)
    first_step = FirstStepCheck(model)
    step(model, optimizer)
    stage = model.stages[0]
    with torch.no_grad():
        if what == "weight":
            model.backbone.get_parameter(stage.parameters[0]).add_(1e-3)
        else:
            norm = next(
                module
                for module in map(model.backbone.get_submodule, stage.modules)
                if isinstance(module, nn.BatchNorm2d)
            )
            assert norm.running_mean is not None
            norm.running_mean.add_(1e-3)
    with pytest.raises(RunError, match=f"stage '{stage.name}' is frozen, but the first step"):
        first_step.check(model)


def test_a_stage_that_does_not_train_is_an_error() -> None:
    settings = config()
    model = network(settings)
    optimizer = make_optimizer(model, settings.optim)
    first_step = FirstStepCheck(model)
    for name in model.stages[0].parameters:
        model.backbone.get_parameter(name).requires_grad_(False)
    step(model, optimizer)
    with pytest.raises(RunError, match="trains, but the first step changed nothing in it"):
        first_step.check(model)


def zero_head(**optim: Any) -> tuple[Classifier, torch.optim.Optimizer]:
    settings = config(
        backbone="test_resnet",
        image={"size": 32},
        optim={"name": "sgd", "weight_decay": 0.0} | optim,
    )
    model = network(settings)
    head: Any = model.backbone.get_classifier()  # type: ignore[operator]
    nn.init.zeros_(head.weight)
    return model, make_optimizer(model, settings.optim)


def step_to_ones(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model.train()
    (model(torch.rand(2, 3, 32, 32)) - 1).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_a_head_that_starts_at_zero_trains_the_stages_below_it_from_the_second_step() -> None:
    model, optimizer = zero_head()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first_step = FirstStepCheck(model)
    step_to_ones(model, optimizer)
    stem = [f"backbone.{name}" for name in model.stages[0].parameters]
    assert all(before[name].equal(model.state_dict()[name]) for name in stem)
    first_step.check(model)
    for _ in range(3):
        step_to_ones(model, optimizer)
        first_step.check(model)
    assert not all(before[name].equal(model.state_dict()[name]) for name in stem)


def test_below_a_head_that_starts_at_zero_a_stage_that_never_trains_is_an_error() -> None:
    model, optimizer = zero_head()
    for name in model.stages[0].parameters:
        model.backbone.get_parameter(name).requires_grad_(False)
    first_step = FirstStepCheck(model)
    for _ in range(2):
        step_to_ones(model, optimizer)
        first_step.check(model)
    step_to_ones(model, optimizer)
    with pytest.raises(RunError, match="trains, but the first step changed nothing in it"):
        first_step.check(model)


def test_a_head_that_starts_at_zero_must_itself_train_in_the_first_step() -> None:
    model, optimizer = zero_head()
    for name in model.stages[-1].parameters:
        model.backbone.get_parameter(name).requires_grad_(False)
    first_step = FirstStepCheck(model)
    step_to_ones(model, optimizer)
    with pytest.raises(RunError, match="changed nothing in it"):
        first_step.check(model)
