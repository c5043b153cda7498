"""Networks that are cut behind their frozen stages: the two parts are the whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor

from comp.config.schema import RunConfig
from comp.models.classifier import Classifier, build_classifier
from comp.models.cut import Cut, find_cut

POOLED = {
    "test_resnet": (96,),
    "test_efficientnet": (256,),
    "test_vit": (64,),
    "test_convnext": (64, 1, 1),
}
MAPS = {
    "test_resnet": (48, 8, 8),
    "test_efficientnet": (24, 16, 16),
    "test_vit": (17, 64),
    "test_convnext": (32, 8, 8),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def build(backbone: str, frozen: int | None = None, **values: Any) -> Classifier:
    values = {"image": {"size": 64}} | values
    model = build_classifier(RunConfig(competition="toy", backbone=backbone, **values), 2)
    model.freeze_below(len(model.stages) - 1 if frozen is None else frozen)
    return model


def cut_of(model: Classifier) -> Cut:
    cut = find_cut(model)
    assert cut
    return cut


def parts(model: Classifier, cut: Cut, images: Tensor) -> Tensor:
    """What the upper part makes of what the lower part returns."""
    with torch.no_grad():
        features = cut.lower(model.backbone, (images - model.mean) / model.std)
    model.cut = cut
    out: Tensor = model(features)
    model.cut = None
    return out


@pytest.mark.parametrize(("backbone", "shapes"), [("all", POOLED), ("three", MAPS)])
def test_the_two_parts_return_what_the_network_returns(
    backbone: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    for name, shape in shapes.items():
        model = build(name, None if backbone == "all" else 3)
        cut = cut_of(model)
        images = torch.rand(5, 3, 64, 64)
        whole = model.eval()(images)
        assert cut.shape == shape
        assert torch.equal(parts(model, cut, images), whole)


def test_the_upper_part_trains_as_the_whole_network_does() -> None:
    images, gradients = torch.rand(4, 3, 64, 64), []
    for cached in (False, True):
        torch.manual_seed(1)
        model = build("test_efficientnet", 4).train()
        cut = cut_of(model)
        out = parts(model, cut, images) if cached else model(images)
        out.square().sum().backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
        statistics = model.backbone.get_buffer("bn2.running_mean")
        gradients[-1]["statistics"] = statistics
    assert all(torch.equal(gradients[0][name], value) for name, value in gradients[1].items())
    assert len(gradients[0]) == len(gradients[1]) > 2


def test_finding_a_cut_changes_neither_the_network_nor_the_generators() -> None:
    model = build("test_resnet", 2).train()
    state, modes = copy.deepcopy(model.state_dict()), [m.training for m in model.modules()]
    before = torch.get_rng_state()
    find_cut(model)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert not any("forward" in m.__dict__ for m in model.modules())


def test_what_trains_or_is_random_belongs_to_the_upper_part() -> None:
    assert cut_of(build("test_efficientnet", head={"pool": "gem"})).border == "bn2"
    assert cut_of(build("test_vit")).border == "head_drop"
    assert cut_of(build("test_vit", dropout=0.5)).border == "fc_norm"


def _forward_with_skip(network: Any, image: Tensor) -> Tensor:
    """A head that looks at the first layer too."""
    first = network.maxpool(network.act1(network.bn1(network.conv1(image))))
    deep = network.layer4(network.layer3(network.layer2(network.layer1(first))))
    out: Tensor = network.fc(network.global_pool(deep)) + first.mean()
    return out


def test_a_network_that_looks_past_the_border_is_not_cut_there() -> None:
    model: Any = build("test_resnet")
    model.backbone.forward = MethodType(_forward_with_skip, model.backbone)
    cut = find_cut(model)
    assert cut is None or cut.border == "maxpool"


def test_a_network_without_frozen_stages_is_not_cut() -> None:
    model = build("test_resnet", 0)
    assert find_cut(model) is None


def test_a_cut_is_read_from_its_record() -> None:
    cut = cut_of(build("test_vit", 2))
    assert Cut.from_record(json.loads(json.dumps(cut.record()))) == cut


def test_features_of_another_shape_are_refused() -> None:
    model = build("test_resnet")
    cut = cut_of(model)
    with pytest.raises(ValueError, match=r"features of shape \(95,\), not \(96,\)"):
        cut.upper(model.backbone, torch.rand(2, 95))
