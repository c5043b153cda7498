"""Columns in the head of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError
from comp.models.classifier import build_classifier
from comp.models.column_head import ClassifierWithColumns, add_columns
from comp.models.column_networks import ColumnSpec
from comp.training.freezing import apply_freezing

SPEC = ColumnSpec.of(np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32), (3,), 4)


def config_of(**settings: Any) -> RunConfig:
    return resolve("toy", [{"backbone": "test_resnet", "image": {"size": 32}}, settings])


def network(config: RunConfig, outputs: int = 1, scaled: bool = False) -> ClassifierWithColumns:
    torch.manual_seed(0)
    return add_columns(build_classifier(config, outputs, scaled), SPEC, config)


def batch(count: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.rand(count, 3, 32, 32), torch.randn(count, 2), torch.ones(count, 1).long()


def test_outputs_depend_on_image_numbers_and_categories() -> None:
    model, (image, numbers, categories) = network(config_of(), outputs=2).eval(), batch()
    out = model(image, numbers, categories)
    assert out.shape == (4, 2)
    for other in ((1 - image, numbers, categories), (image, numbers + 1, categories)):
        assert not torch.allclose(model(*other), out)
    assert not torch.allclose(model(image, numbers, categories * 0), out)


def test_the_part_of_the_columns_has_the_scale_of_the_targets() -> None:
    model, inputs = network(config_of(), scaled=True).eval(), batch()
    before = model(*inputs)
    model.target_mean.copy_(torch.tensor([50.0]))
    model.target_std.copy_(torch.tensor([10.0]))
    torch.testing.assert_close(model(*inputs), before * 10 + 50)


def test_frozen_stages_stay_and_the_columns_train() -> None:
    config = config_of(freeze="all")
    model = network(config)
    apply_freezing(model, config, 0.0)
    assert model.frozen == len(model.stages) - 1
    model.train()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1.0)
    model(*batch()).square().sum().backward()
    optimizer.step()
    changed = {n for n, weight in model.state_dict().items() if not torch.equal(weight, before[n])}
    assert {"columns.numbers.linear0.weight", "joint.0.weight"} <= changed
    assert not any(name.startswith("network.backbone.conv1") for name in changed)


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        (nn.Linear(1, 1), {}, "need a classifier on a timm backbone, but this network is Linear"),
        (None, {"head": {"kind": "cosine"}}, "does not fit columns beside images"),
    ],
)
def test_networks_without_a_place_for_columns_are_refused(
    model: nn.Module | None, settings: dict[str, Any], words: str
) -> None:
    config = config_of(**settings)
    with pytest.raises(ConfigError, match=words):
        add_columns(model or build_classifier(config, 2), SPEC, config)
