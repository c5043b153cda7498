"""Backbones of a space that cannot start are named before the first trial."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import timm
from safetensors.torch import save_file

from comp.config.schema import resolve
from comp.errors import ConfigError
from comp.tasks.classification import image_classification
from comp.tuning.loadable import check_backbones
from comp.tuning.space import make_space

TOY = image_classification(
    name="toy",
    title="Toy",
    kaggle="competitions/toy",
    classes=("a", "b"),
    labels="train.csv",
    images="train",
    test_images="test",
)


def check(space: dict[str, Any], **keys: Any) -> None:
    layers = [TOY.defaults, {"backbone": "test_resnet", **keys}]
    settings: Any = SimpleNamespace(
        competition=TOY,
        config=resolve("toy", layers),
        space=make_space(space, "toy", layers, TOY.options),
        with_values=lambda layer: resolve("toy", [*layers, layer]),
    )
    inputs: Any = SimpleNamespace(train=())
    check_backbones(settings, inputs)


def test_backbones_whose_weights_do_not_load_are_named(tmp_path: Path) -> None:
    weights = tmp_path / "test_resnet.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), weights)
    space: dict[str, Any] = {"backbone": ["test_resnet", "test_vit", "test_byobnet"]}
    message = r"cannot start: test_vit, test_byobnet: leave them out, or see why the first: .*does "
    with pytest.raises(ConfigError, match=message + "not fit test_vit"):
        check(space, weights=str(weights))
    check(space | {"pretrained": [True, False]}, weights=str(weights))
    check(space, pretrained=False)
    check({"optim": {"lr": [0.1, 0.2]}}, weights="lost.safetensors")


def test_a_backbone_that_timm_does_not_have_is_named() -> None:
    message = "cannot start: test_resnett: leave .*unknown backbone 'test_resnett': .*did you mean"
    with pytest.raises(ConfigError, match=message):
        check({"backbone": ["test_resnet", "test_resnett"]}, pretrained=False)
