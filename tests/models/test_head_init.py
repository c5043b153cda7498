"""Tests of the first weights of a new head."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from comp.config.schema import RunConfig
from comp.models.classifier import build_classifier
from comp.models.head_init import HEAD_STD, last_layers


def classifier(backbone: str, **changes: object) -> nn.Module:
    config = RunConfig(competition="toy", backbone=backbone, **changes)  # type: ignore[arg-type]
    torch.manual_seed(0)
    return build_classifier(config, 1).backbone


@pytest.mark.parametrize(
    "name", ["test_efficientnet", "test_resnet", "test_vit", "test_convnext", "test_mambaout"]
)
def test_outputs_of_a_new_head_are_near_zero(name: str) -> None:
    """timm draws the weights of test_efficientnet's head from -1..1 if it has one output."""
    (head,) = last_layers(classifier(name))
    assert 0.5 * HEAD_STD < head.weight.std() < 2 * HEAD_STD
    assert head.bias is not None
    assert not head.bias.any()


def test_both_heads_of_a_distilled_network_start_small() -> None:
    heads = last_layers(classifier("deit_tiny_distilled_patch16_224"))
    assert [bool(head.weight.std() < 2 * HEAD_STD) for head in heads] == [True, True]


def test_pretrained_head_with_the_same_classes_stays(tmp_path) -> None:  # type: ignore[no-untyped-def]
    source = timm.create_model("test_efficientnet")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    config = RunConfig(
        competition="toy", backbone="test_efficientnet", weights=tmp_path / "weights.pth"
    )
    (head,) = last_layers(build_classifier(config, 1000).backbone)
    assert torch.equal(head.weight, source.get_classifier().weight)  # type: ignore[operator]
    (head,) = last_layers(build_classifier(config, 3).backbone)
    assert head.weight.std() < 2 * HEAD_STD


def test_network_without_a_classifier_has_no_last_layer() -> None:
    assert last_layers(nn.Sequential(nn.Linear(2, 2))) == []
