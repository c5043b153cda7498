"""Classifiers on small backbones of four kinds: what goes in, what comes out, what is frozen."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from timm.optim import create_optimizer_v2
from timm.utils import ModelEmaV3
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.classifier import Classifier, build_classifier
from comp.models.freezing import Stage
from comp.models.weights import WeightsOrigin

KINDS = ["test_resnet", "test_efficientnet", "test_convnext", "test_vit"]
OPTIMIZERS = [("adamw", 1e-2), ("sgd", 1e-2)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def build(backbone: str = "test_resnet", outputs: int = 1, **values: Any) -> Classifier:
    values["image"] = {"size": 64} | values.get("image", {})
    return build_classifier(RunConfig(competition="toy", backbone=backbone, **values), outputs)


def state_of(model: Classifier, stage: Stage) -> dict[str, torch.Tensor]:
    """Every parameter and every buffer of a stage."""
    buffers = [
        n for n, _ in model.backbone.named_buffers() if n.rpartition(".")[0] in stage.modules
    ]
    state = model.backbone.state_dict()
    return {name: state[name].clone() for name in (*stage.parameters, *buffers)}


def same(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def train(model: Classifier, optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    model.train()
    channels, size = model.input_spec.channels, model.input_spec.size
    for _ in range(steps):
        out = model(torch.rand(4, channels, size, size))
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(out, torch.rand_like(out)).backward()
        optimizer.step()


def optimizer_of(model: Classifier, name: str, lr: float) -> torch.optim.Optimizer:
    return create_optimizer_v2(model, opt=name, lr=lr, weight_decay=0.1, momentum=0.9)


def stages_with_state(model: Classifier, optimizer: torch.optim.Optimizer) -> list[bool]:
    """Whether the optimizer keeps anything of any parameter of each stage."""
    return [
        any(model.backbone.get_parameter(name) in optimizer.state for name in stage.parameters)
        for stage in model.stages
    ]


@pytest.mark.parametrize(("name", "lr"), OPTIMIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_frozen_stages_keep_every_bit_and_thaw_from_the_head_down(
    kind: str, name: str, lr: float
) -> None:
    model = build(kind)
    optimizer = optimizer_of(model, name, lr)
    below = len(model.stages) - 1
    for frozen in (below, below - 1, 1, 0):
        model.freeze_below(frozen)
        before = [state_of(model, stage) for stage in model.stages]
        train(model, optimizer)
        after = [state_of(model, stage) for stage in model.stages]
        kept = [same(old, new) for old, new in zip(before, after, strict=True)]
        assert kept == [True] * frozen + [False] * (len(kept) - frozen)
        assert stages_with_state(model, optimizer) == [not stage for stage in kept]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["resnet18", "efficientnet_b0", "convnext_atto"])
def test_frozen_stages_of_a_real_backbone_keep_every_bit(kind: str) -> None:
    model = build(kind)
    optimizer = optimizer_of(model, "adamw", 1e-2)
    model.freeze_below(len(model.stages) - 1)
    before = [state_of(model, stage) for stage in model.stages]
    train(model, optimizer, steps=2)
    after = [state_of(model, stage) for stage in model.stages]
    kept = [same(old, new) for old, new in zip(before, after, strict=True)]
    assert kept == [True] * (len(kept) - 1) + [False]


def test_the_stages_hold_everything_that_a_checkpoint_holds() -> None:
    for kind in KINDS:
        model = build(kind)
        held = [name for stage in model.stages for name in state_of(model, stage)]
        assert sorted(held) == sorted(model.backbone.state_dict())


def test_a_step_leaves_what_was_frozen_in_the_middle_of_training_alone() -> None:
    model = build()
    optimizer = optimizer_of(model, "adamw", 1e-2)
    train(model, optimizer)
    out = model(torch.rand(4, 3, 64, 64))
    out.sum().backward()
    model.freeze_below(3)
    before = [state_of(model, stage) for stage in model.stages[:3]]
    optimizer.step()
    assert all(same(old, state_of(model, s)) for old, s in zip(before, model.stages, strict=False))


def test_batch_norm_alone_would_not_stand_still() -> None:
    model = build()
    model.freeze_below(5)
    before = state_of(model, model.stages[1])
    nn.Module.train(model)  # what a training loop does to a network that knows of no freezing
    model(torch.rand(4, 3, 64, 64))
    assert not same(before, state_of(model, model.stages[1]))


def test_frozen_stages_draw_nothing_at_random() -> None:
    model = build("test_convnext", drop_path=0.5).train()
    image = torch.rand(8, 3, 64, 64)

    def twice() -> bool:
        features = model.backbone.forward_features
        return torch.equal(features(image), features(image))  # type: ignore[operator]

    assert not twice()
    model.freeze_below(5)
    assert twice()
    model.freeze_below(0)
    assert not twice()


def test_the_mode_of_frozen_stages_survives_train_and_eval() -> None:
    model = build()
    model.freeze_below(2)
    modes = [model.backbone.get_submodule(f"layer{i}.0.bn1").training for i in (1, 2)]
    assert modes == [False, True]
    model.eval()
    model.train()
    modes = [model.backbone.get_submodule(f"layer{i}.0.bn1").training for i in (1, 2)]
    assert modes == [False, True]
    model.eval().freeze_below(0)
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_freezing_changes_no_key_of_a_checkpoint() -> None:
    model = build()
    keys = list(model.state_dict())
    model.freeze_below(5)
    assert list(model.state_dict()) == keys
    assert {key.partition(".")[0] for key in keys} == {"backbone"}


def test_a_copy_is_frozen_too() -> None:
    model = build()
    model.freeze_below(3)
    twin = copy.deepcopy(model).train()
    assert twin.frozen == 3
    assert not twin.backbone.get_submodule("layer2.0.bn1").training


def test_what_the_architecture_never_trains_stays_so() -> None:
    model = build()
    fixed = model.backbone.get_parameter("layer1.0.bn1.weight").requires_grad_(False)
    model = Classifier(model.backbone, model.input_spec, model.origin, model.stages)
    model.freeze_below(3)
    model.freeze_below(0)
    assert not fixed.requires_grad
    assert model.backbone.get_parameter("layer1.0.bn2.weight").requires_grad


@pytest.mark.parametrize("count", [-1, 6])
def test_the_head_never_freezes(count: int) -> None:
    with pytest.raises(ValueError, match=f"cannot freeze {count} of 6 stages"):
        build().freeze_below(count)


@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_grey_and_colour_go_in_and_raw_numbers_come_out(
    kind: str, channels: int, outputs: int
) -> None:
    model = build(kind, outputs, image={"channels": channels})
    assert model.training
    assert model(torch.rand(2, channels, 64, 64)).shape == (2, outputs)
    assert model.origin == WeightsOrigin("none")


def test_the_mean_is_subtracted_and_the_deviation_divided_out() -> None:
    model = build(image={"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.2]}).eval()
    image = torch.rand(2, 3, 64, 64)
    mean = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)
    std = torch.tensor([0.5, 0.25, 0.2]).view(3, 1, 1)
    with torch.inference_mode():
        assert torch.allclose(model(image), model.backbone((image - mean) / std), atol=1e-6)
        assert not torch.allclose(model(image), model.backbone(image), atol=1e-3)


def test_a_grey_image_of_any_size_is_taken_where_the_size_is_not_fixed() -> None:
    model = build(image={"channels": 1}).eval()
    with torch.inference_mode():
        assert model(torch.rand(1, 1, 96, 80)).shape == (1, 1)


def test_a_backbone_of_fixed_size_is_built_for_the_size_that_is_asked_for() -> None:
    model = build("test_vit", image={"size": 96})
    assert model.backbone.get_parameter("pos_embed").shape[1] == 36 + 1
    assert model(torch.rand(1, 3, 96, 96)).shape == (1, 1)


def test_the_grid_of_positions_has_the_height_and_width_of_the_input() -> None:
    model = build("test_vit", image={"size": [64, 160]}).eval()
    assert model.backbone.patch_embed.grid_size == (4, 10)  # type: ignore[union-attr]
    assert model(torch.rand(1, 3, 64, 160)).shape == (1, 1)
    square = build("test_vit", image={"size": [96, 96]})
    assert square.input_spec.size == 96


def test_dropout_and_further_arguments_reach_the_backbone() -> None:
    model = build(dropout=0.4, drop_path=0.2, backbone_args={"act_layer": "gelu"})
    backbone: Any = model.backbone
    assert backbone.drop_rate == 0.4
    assert type(backbone.layer4[0].act2).__name__ == "GELU"
    assert backbone.layer4[0].drop_path.drop_prob == pytest.approx(0.2)


def test_a_network_without_stages_trains_and_is_not_frozen() -> None:
    model = build("caformer_s18")
    assert (model.stages, model.frozen) == ((), 0)
    model.freeze_below(0)
    with pytest.raises(ConfigError, match="no stages for MetaFormer"):
        build("caformer_s18", freeze="all")


@pytest.mark.parametrize(
    ("backbone", "values", "words"),
    [
        ("", {}, ["backbone is not set"]),
        ("resnet3", {}, ["unknown backbone 'resnet3'", "resnet34"]),
        ("test_resnet", {"freeze": 6}, ["freeze = 6: test_resnet has 5 stages below its head"]),
        ("test_vit", {"image": {"size": 100}}, ["image.size = 100", "100 x 100", "is 160"]),
        ("test_vit", {"image": {"size": [96, 200]}}, ["= [96, 200]: ", "of 96 x 200 pixels"]),
        ("inception_v3", {"image": {"size": 16}}, ["image.size = 16", "16 x 16", "is 299"]),
        ("densenet121", {"drop_path": 0.1}, ["drop_path = 0.1: densenet121 does not support it"]),
        (
            "test_resnet",
            {"backbone_args": {"pad_typ": "same"}},
            ["backbone_args.pad_typ = 'same': test_resnet refuses it"],
        ),
        ("test_resnet", {"backbone_args": {"num_classes": 3}}, ["backbone_args.num_classes"]),
        ("test_resnet", {"backbone_args": {"drop_rate": 0.3}}, ["it follows from dropout"]),
        ("test_vit", {"backbone_args": {"embed_dim": "x"}}, ["cannot build test_vit", "'x'"]),
        ("test_vit", {"backbone_args": {"global_pool": ""}}, ["test_vit is not a classifier"]),
        ("test_resnet", {"image": {"mean": [0.5, 0.5]}}, ["image.mean"]),
    ],
)
def test_what_a_backbone_does_not_take_is_named(
    backbone: str, values: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        build(backbone, **values)
    assert "\n" not in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []


def scaled(outputs: int = 2) -> Classifier:
    settings = RunConfig(competition="toy", backbone="test_resnet", image={"size": 64})  # type: ignore[arg-type]
    return build_classifier(settings, outputs, scaled=True)


def test_scaled_outputs_have_the_mean_and_deviation_of_the_targets() -> None:
    model = scaled().eval()
    image = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        raw = model(image)
    model.target_mean.copy_(torch.tensor([1000.0, -2.0]))
    model.target_std.copy_(torch.tensor([50.0, 0.5]))
    with torch.inference_mode():
        torch.testing.assert_close(
            model(image), raw * torch.tensor([50.0, 0.5]) + torch.tensor([1000.0, -2.0])
        )
        with torch.autocast("cpu", torch.bfloat16):
            assert model(image).dtype == torch.float32


def test_a_checkpoint_and_a_moving_average_hold_the_scale_of_the_targets() -> None:
    model = scaled(1)
    model.target_mean.fill_(37.25)
    average = ModelEmaV3(model, decay=0.9)
    average.update(model)
    for state in (model.state_dict(), average.module.state_dict()):
        other = scaled(1)
        other.load_state_dict(state)
        assert (other.target_mean.item(), other.target_std.item()) == (37.25, 1.0)
    assert {n for n in build().state_dict() if n.startswith("target")} == set()


def test_the_head_computes_in_float32_under_autocast() -> None:
    model = build("test_convnext")
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.rand(2, 3, 64, 64)).dtype == torch.float32
