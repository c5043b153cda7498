"""Stages of backbones, and when they thaw."""

from __future__ import annotations

import math

import pytest
import timm
import torch
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.freezing import frozen_at, stages_of, thaw_epochs


def config(freeze: int | str = "all", how: str = "never", **thaw: float) -> RunConfig:
    return RunConfig(competition="toy", freeze=freeze, thaw={"how": how} | thaw)


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("test_resnet", ["stem", "layer1", "layer2", "layer3", "layer4", "head"]),
        ("test_efficientnet", ["stem", *(f"blocks.{i}" for i in range(5)), "head"]),
        ("test_convnext", ["stem", *(f"stages.{i}" for i in range(4)), "head"]),
        ("test_vit", ["stem", *(f"blocks.{i}" for i in range(6)), "head"]),
    ],
)
def test_stages_run_from_the_input_to_the_head(name: str, stages: list[str]) -> None:
    assert [stage.name for stage in stages_of(timm.create_model(name))] == stages


NAMES = ["test_resnet", "test_efficientnet", "test_convnext", "test_vit", "test_vit2", "test_nfnet"]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_and_every_module_stands_in_one_stage(name: str) -> None:
    backbone = timm.create_model(name, num_classes=2)
    stages = stages_of(backbone)
    parameters = [parameter for stage in stages for parameter in stage.parameters]
    assert sorted(parameters) == sorted(name for name, _ in backbone.named_parameters())
    modules = [module for stage in stages for module in stage.modules]
    assert sorted(modules) == sorted(name for name, _ in backbone.named_modules())


@pytest.mark.parametrize("name", NAMES)
def test_the_classifier_and_the_whole_stand_in_the_head(name: str) -> None:
    backbone = timm.create_model(name, num_classes=2)
    head = stages_of(backbone)[-1]
    classifier = backbone.pretrained_cfg["classifier"]
    assert {classifier, ""} <= set(head.modules)
    assert {f"{classifier}.weight", f"{classifier}.bias"} <= set(head.parameters)


def test_parameters_in_no_layer_belong_to_the_stem() -> None:
    stem = stages_of(timm.create_model("test_vit"))[0]
    assert {"cls_token", "pos_embed"} <= set(stem.parameters)


def test_modules_without_parameters_go_with_what_is_around_them() -> None:
    vit = {s.name: s.modules for s in stages_of(timm.create_model("test_vit", drop_path_rate=0.1))}
    assert "pos_drop" in vit["stem"]
    assert {"blocks.3", "blocks.3.drop_path1", "blocks.3.attn"} <= set(vit["blocks.3"])
    assert "blocks.5.drop_path2" in vit["blocks.5"]
    assert {"head_drop", "blocks"} & set(vit["head"]) == {"head_drop"}
    resnet = {s.name: s.modules for s in stages_of(timm.create_model("test_resnet"))}
    assert {"act1", "maxpool"} <= set(resnet["stem"])
    assert {"layer1", "layer1.0.act1"} <= set(resnet["layer1"])
    assert "global_pool" in resnet["head"]


def test_names_stay_apart_where_the_short_ones_would_be_the_same() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.ModuleDict({name: nn.Linear(2, 2) for name in "abcd"})

        def group_matcher(self, coarse: bool) -> dict[str, str]:
            return {name: rf"^part\.{name}" for name in "abc"}

    assert [s.name for s in stages_of(Twins())] == ["stem", "stage 1", "stage 2", "head"]


def test_a_network_without_stages_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no stages for Linear.*freeze=none"):
        stages_of(nn.Linear(2, 2))
    with torch.device("meta"):
        metaformer, rdnet = timm.create_model("caformer_s18"), timm.create_model("rdnet_tiny")
    with pytest.raises(ConfigError, match="no stages for MetaFormer"):
        stages_of(metaformer)
    with pytest.raises(ConfigError, match="no stages for RDNet"):
        stages_of(rdnet)


@pytest.mark.parametrize(
    ("freeze", "count"),
    [("none", 0), (0, 0), (2, 2), (5, 5), ("all", 5), (-1, 4), (-4, 1)],
)
def test_so_many_stages_are_frozen_and_never_the_head(freeze: int | str, count: int) -> None:
    never = config(freeze)
    assert [frozen_at(never, 6, epoch) for epoch in (0.0, 7.5, 1e6)] == [count] * 3
    assert thaw_epochs(never, 6) == (math.inf,) * count + (0.0,) * (6 - count)


def test_a_staged_thaw_goes_from_the_head_down() -> None:
    staged = config("all", "staged", after=1.0, every=0.5)
    assert thaw_epochs(staged, 5) == (2.5, 2.0, 1.5, 1.0, 0.0)
    epochs = (0.0, 0.99, 1.0, 1.49, 1.5, 2.0, 2.49, 2.5, 9.0)
    assert [frozen_at(staged, 5, epoch) for epoch in epochs] == [4, 4, 3, 3, 2, 1, 1, 0, 0]


def test_a_staged_thaw_of_some_stages_begins_with_the_highest_of_them() -> None:
    assert thaw_epochs(config(2, "staged", after=2.0, every=1.0), 6) == (3.0, 2.0, 0, 0, 0, 0)


def test_all_stages_thaw_at_once() -> None:
    once = config("all", "at-once", after=0.5)
    assert [frozen_at(once, 6, epoch) for epoch in (0.0, 0.49, 0.5, 3.0)] == [5, 5, 0, 0]


def test_a_thaw_after_no_time_is_there_from_the_start() -> None:
    assert frozen_at(config("all", "at-once", after=0.0), 6, 0.0) == 0
    assert frozen_at(config("all", "staged", after=0.0), 6, 0.0) == 4


def test_rounding_of_the_epoch_delays_no_thaw() -> None:
    staged = config("all", "staged", after=0.3, every=0.1)
    assert frozen_at(staged, 6, sum([0.1] * 3)) == 4
    assert frozen_at(staged, 6, 0.7 - 1e-16) == 0


@pytest.mark.parametrize(
    ("freeze", "instead"), [(6, "at most 5"), (60, "at most 5"), (-5, "-4 or more"), (-9, "-4")]
)
def test_more_stages_than_there_are_cannot_be_frozen(freeze: int, instead: str) -> None:
    reason = f"freeze = {freeze}: .* has 5 stages below its head; use {instead}"
    with pytest.raises(ConfigError, match=reason):
        frozen_at(config(freeze), 6, 0.0)


@pytest.mark.parametrize("freeze", [1, -1, "all"])
def test_a_network_without_stages_cannot_be_frozen(freeze: int | str) -> None:
    with pytest.raises(ConfigError, match="has 0 stages below its head"):
        frozen_at(config(freeze), 0, 0.0)
    assert frozen_at(config("none"), 0, 0.0) == 0
