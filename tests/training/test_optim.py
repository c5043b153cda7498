"""Optimizers by name, what decays, and how fast each layer moves."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from comp.config.sections import OptimConfig
from comp.errors import ConfigError
from comp.training.optim import l1_penalty, make_optimizer


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 1))


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", "AdamW"), ("AdamW", "AdamW"), ("sgd", "SGD"), ("lion", "Lion")]
)
def test_optimizers_are_found_by_timms_names(name: str, kind: str) -> None:
    assert type(make_optimizer(network(), OptimConfig(name=name))).__name__ == kind


@pytest.mark.parametrize("name", ["adamz", ""])
def test_an_unknown_optimizer_is_named_with_some_that_exist(name: str) -> None:
    near = r"did you mean 'adam.?'\? " if name else ""
    words = rf"unknown optimizer '{name}': {near}timm has .*adabelief, "
    with pytest.raises(ConfigError, match=words):
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


def test_an_optimizer_that_wants_other_betas_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(
        ConfigError, match=r"'adan' cannot be made .* optim\.betas = \[0\.9, 0\.99\]"
    ):
        make_optimizer(network(), OptimConfig(name="adan", betas=[0.9, 0.99]))


def test_betas_reach_the_optimizer() -> None:
    optimizer = make_optimizer(network(), OptimConfig(betas=[0.8, 0.95]))
    assert {group["betas"] for group in optimizer.param_groups} == {(0.8, 0.95)}


class Wrapped(nn.Module):
    """A timm backbone in a module, as a classifier holds it."""

    def __init__(self, *, beside: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("test_vit", num_classes=1)
        if beside:
            self.head = nn.Linear(1, 1)


def moved(steps: int = 3, **config: object) -> float:
    """The value of a weight of 1 after some steps with a gradient of 1."""
    model = nn.ParameterList([nn.Parameter(torch.ones(1))])
    optimizer = make_optimizer(model, OptimConfig(lr=0.1, weight_decay=0.0, **config))
    for _ in range(steps):
        model[0].grad = torch.ones(1)
        optimizer.step()
    return model[0].item()


def test_sgd_is_plain_without_momentum() -> None:
    assert moved(name="sgd", momentum=0.0) == pytest.approx(1 - 3 * 0.1)


def test_sgd_looks_ahead_and_momentum_does_not() -> None:
    """With slope 1 the velocity is 1, 1.5, 1.75; Nesterov's step is 1 + half the velocity."""
    assert moved(name="momentum", momentum=0.5) == pytest.approx(1 - 0.1 * (1 + 1.5 + 1.75))
    assert moved(name="sgd", momentum=0.5) == pytest.approx(1 - 0.1 * (1.5 + 1.75 + 1.875))


def test_rmsprop_heeds_its_momentum() -> None:
    assert moved(name="rmsprop", momentum=0.0) > moved(name="rmsprop", momentum=0.9)


@pytest.mark.parametrize("name", ["adagrad", "adam", "adamw"])
def test_optimizers_without_momentum_are_made_whatever_it_is(name: str) -> None:
    assert moved(name=name, momentum=0.0) == moved(name=name, momentum=0.9) < 1


def test_layers_far_from_the_head_move_more_slowly() -> None:
    model = Wrapped()
    optimizer = make_optimizer(model, OptimConfig(layer_decay=0.5))
    scale = {p: g["lr_scale"] for g in optimizer.param_groups for p in g["params"]}
    assert set(scale) == set(model.parameters())
    backbone = model.backbone
    assert scale[backbone.head.weight] == 1.0
    blocks = [scale[block.attn.qkv.weight] for block in backbone.blocks]
    assert blocks == sorted(blocks)
    assert blocks[-2] == blocks[-1] / 2 > scale[backbone.patch_embed.proj.weight] > 0


def test_what_timm_keeps_from_decaying_does_not_decay_in_a_classifier() -> None:
    model = Wrapped()
    optimizer = make_optimizer(model, OptimConfig(weight_decay=0.1))
    decay = {p: g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert model.backbone.pos_embed.ndim == 3
    assert decay[model.backbone.pos_embed] == 0.0
    assert decay[model.backbone.head.weight] == 0.1


@pytest.mark.parametrize("model", [network(), Wrapped(beside=True)])
def test_layer_decay_of_a_network_without_known_layers_is_a_mistake(model: nn.Module) -> None:
    with pytest.raises(ConfigError, match=r"optim\.layer_decay = 0\.7 needs a classifier"):
        make_optimizer(model, OptimConfig(layer_decay=0.7))
    everything = make_optimizer(model, OptimConfig()).param_groups
    assert {p for g in everything for p in g["params"]} == set(model.parameters())


def test_the_l1_penalty_is_of_the_weights_that_decay_and_train() -> None:
    model = network()
    expected = model[0].weight.abs().sum() + model[3].weight.abs().sum()
    assert l1_penalty(model).item() == pytest.approx(expected.item())
    model[0].requires_grad_(False)
    assert l1_penalty(model).item() == pytest.approx(model[3].weight.abs().sum().item())
    l1_penalty(model).backward()
    assert torch.equal(model[3].weight.grad, model[3].weight.sign())
    assert model[3].bias.grad is None
    model[3].requires_grad_(False)
    assert l1_penalty(model).item() == 0


def test_making_an_optimizer_changes_no_weight() -> None:
    model = Wrapped()
    before = copy.deepcopy(model.state_dict())
    make_optimizer(model, OptimConfig(layer_decay=0.9))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "fused"), [("sgd", True), ("adam", True), ("adamw", True), ("adagrad", False)]
)
def test_only_optimizers_that_can_on_every_device_are_fused(name: str, fused: bool) -> None:
    made = make_optimizer(nn.Linear(3, 2), OptimConfig(name=name, lr=0.1), fused=True)
    assert bool(made.defaults.get("fused")) == fused
