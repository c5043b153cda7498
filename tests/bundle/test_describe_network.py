"""Networks as plain data, and built again from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import timm
import torch
from own_networks import Small, WithSettings, build_with_settings
from torch import nn
from toys import toy

from comp.bundle.describe_network import describe_network, own_network
from comp.bundle.parts.networks import build_network
from comp.bundle.parts.own import OWN
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.portable import Portable
from comp.errors import RunError
from comp.models.classifier import build_classifier
from comp.models.image_corrector import build_corrector
from comp.models.segmenter import build_segmenter


def config(backbone: str, **keys: Any) -> RunConfig:
    return RunConfig(competition="tiny", backbone=backbone, **keys)


def tiny_competition(**fields: Any) -> Competition:
    return toy(**fields)


def check_same(model: nn.Module, spec: dict[str, Any], image: torch.Tensor) -> None:
    """The network that is built from the JSON of a description returns the same numbers."""
    state = {
        name: torch.randn_like(t) if t.is_floating_point() else t
        for name, t in model.state_dict().items()
        if "running_var" not in name and name != "backbone.pool.p"
    }
    model.load_state_dict({**model.state_dict(), **state})
    again = build_network(json.loads(json.dumps(spec)))
    again.load_state_dict(model.state_dict())
    with torch.inference_mode():
        expected, found = model.eval()(image), again.eval()(image)
    assert torch.equal(expected.nan_to_num(), found.nan_to_num())
    assert getattr(again, "multiple", 1) == getattr(model, "multiple", 1)


@pytest.mark.parametrize(
    ("backbone", "keys", "size", "scaled"),
    [
        ("test_resnet", {"head": {"pool": "gem"}}, (96, 96), False),
        ("test_resnet", {"head": {"kind": "cosine"}, "loss": {"scale": 12.0}}, (64, 96), False),
        ("test_efficientnet", {"dropout": 0.3, "head": {"pool": "avgmax"}}, (65, 65), True),
        ("test_convnext", {"image": {"channels": 1}, "drop_path": 0.2}, (64, 64), False),
        ("test_vit", {}, (160, 160), False),
        ("test_vit", {"image": {"size": [96, 128]}}, (96, 128), True),
        (
            "test_vit",
            {"backbone_args": {"class_token": False, "global_pool": "avg"}},
            (160, 160),
            False,
        ),
        (
            "swin_tiny_patch4_window7_224",
            {"backbone_args": {"embed_dim": 24, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4]}},
            (224, 224),
            False,
        ),
    ],
)
def test_a_classifier_is_built_again(
    backbone: str, keys: dict[str, Any], size: tuple[int, int], scaled: bool
) -> None:
    made = config(backbone, **keys)
    model = build_classifier(made, 3, scaled)
    spec = describe_network(model, made)
    check_same(model, spec, torch.rand(2, made.image.channels, *size))


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_convnext"])
def test_a_segmenter_and_a_corrector_are_built_again(backbone: str) -> None:
    made = config(backbone)
    for model in (build_segmenter(made, 4), build_corrector(made, 3)):
        check_same(model, describe_network(model, made), torch.rand(1, 3, 75, 90))


def test_the_statistics_of_the_run_are_in_the_description() -> None:
    made = config("test_resnet", image={"mean": [0.1], "std": [0.7]})
    spec = describe_network(build_classifier(made, 1), made)
    assert (spec["mean"], spec["std"]) == ([0.1] * 3, [0.7] * 3)


def test_a_class_of_the_plugin_without_arguments_is_copied() -> None:
    made = config("mine")
    model = Small()
    assert own_network(model, tiny_competition()) == "own_networks:Small"
    assert describe_network(model, made, tiny_competition()) == {"kind": "own", "arguments": []}
    assert OWN == {}


def test_a_network_with_settings_needs_the_hook() -> None:
    made, model = config("mine"), WithSettings(5)
    with pytest.raises(RunError, match=r"WithSettings cannot be built again \(.*width.*wheels"):
        describe_network(model, made, tiny_competition())
    portable = Portable(settings=lambda _config: {"width": 5}, network=build_with_settings)
    competition = tiny_competition(portable=portable)
    spec = describe_network(model, made, competition)
    assert spec == {"kind": "own", "arguments": [{"width": 5}]}
    assert own_network(model, competition) == "own_networks:build_with_settings"


def test_a_hook_that_builds_another_network_is_refused() -> None:
    portable = Portable(settings=lambda _config: {"width": 6}, network=build_with_settings)
    with pytest.raises(RunError, match="cannot be built again"):
        describe_network(WithSettings(5), config("mine"), tiny_competition(portable=portable))


@pytest.mark.parametrize("local", [True, False])
def test_a_network_that_cannot_be_copied_is_refused(local: bool) -> None:
    class Local(Small):
        pass

    model = Local() if local else timm.create_model("test_resnet", num_classes=2)
    with pytest.raises(RunError, match=r"--wheels"):
        describe_network(model, config("test_resnet"), tiny_competition())


def test_a_classifier_of_other_settings_than_those_of_the_run_is_refused() -> None:
    model = build_classifier(config("test_resnet"), 2)
    with pytest.raises(RunError, match="cannot be built again"):
        describe_network(model, config("test_efficientnet"))


def test_the_random_generator_does_not_move() -> None:
    made = config("test_resnet")
    model = build_classifier(made, 2)
    torch.manual_seed(1)
    describe_network(model, made)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
    assert model.training
