"""Encoder-decoders for masks on small timm backbones: sizes, weights, stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.optim import create_optimizer_v2

from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError, WeightsError
from comp.models.segmenter import MaskNetwork, Segmenter, build_segmenter
from comp.training.freezing import FirstStepCheck, apply_freezing, freezing_report

BACKBONE = "test_efficientnet"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def config(backbone: str = BACKBONE, **values: object) -> RunConfig:
    return resolve("toy", [{"backbone": backbone, "image": {"size": 64}}, values])


def build(backbone: str = BACKBONE, outputs: int = 1, **values: object) -> Segmenter:
    torch.manual_seed(0)
    return build_segmenter(config(backbone, **values), outputs)


@pytest.mark.parametrize("size", [(64, 64), (101, 101), (45, 71), (5, 7), (33, 1)])
@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "convnext_atto"])
def test_masks_have_the_size_of_the_image(backbone: str, size: tuple[int, int]) -> None:
    model = build(backbone, outputs=2).eval()
    with torch.inference_mode():
        assert model(torch.rand(2, 3, *size)).shape == (2, 2, *size)


@pytest.mark.parametrize(
    ("backbone", "multiple"), [("test_efficientnet", 1), ("test_resnet", 1), ("convnext_atto", 32)]
)
def test_only_encoders_that_drop_border_pixels_pad(backbone: str, multiple: int) -> None:
    """Patches of 4 x 4 pixels cover 100 of 101 pixels: the maps would be stretched."""
    assert build(backbone).multiple == multiple


def test_a_padded_image_has_the_masks_of_the_image_in_it() -> None:
    model = build("convnext_atto").eval()
    image = torch.rand(1, 3, 40, 50)
    padded = torch.nn.functional.pad(image, (0, 14, 0, 24), mode="replicate")
    with torch.inference_mode():
        assert torch.equal(model(image), model(padded)[..., :40, :50])


def test_pixels_are_normalized_with_the_values_of_the_backbone() -> None:
    model = build(image={"size": 64, "mean": [0.2], "std": [0.4]}).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = model.backbone((image - 0.2) / 0.4)
        assert torch.allclose(model(image), expected, atol=1e-5)


def test_a_stage_is_what_the_first_map_that_needs_it_needs() -> None:
    model = build("test_resnet")
    names = [stage.name for stage in model.stages]
    assert names == ["stem", *(f"encoder.layer{i}" for i in range(1, 5)), "head"]
    assert all(
        name.startswith("encoder.conv1") or "bn1" in name for name in model.stages[0].parameters
    )
    head = model.stages[-1].parameters
    assert {name.partition(".")[0] for name in head} == {"decoder", "head"}
    listed = [name for stage in model.stages for name in stage.parameters]
    assert sorted(listed) == sorted(name for name, _ in model.backbone.named_parameters())


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "convnext_atto"])
def test_frozen_stages_do_not_change_and_the_others_do(backbone: str) -> None:
    settings = config(backbone, freeze=2)
    model = build(backbone, freeze=2)
    apply_freezing(model, settings, 0.0)
    assert model.frozen == 2
    check, optimizer = FirstStepCheck(model), create_optimizer_v2(model, opt="sgd", lr=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    model(torch.rand(2, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    check.check(model)
    frozen = {f"backbone.{name}" for stage in model.stages[:2] for name in stage.parameters}
    assert frozen
    assert all(torch.equal(before[name], model.state_dict()[name]) for name in frozen)
    report = freezing_report(model, optimizer, settings)
    assert [stage.frozen for stage in report] == [True, True] + [False] * (len(report) - 2)


def test_layer_decay_lowers_the_rate_stage_by_stage() -> None:
    backbone = build().backbone
    optimizer = create_optimizer_v2(backbone, opt="adamw", lr=1.0, layer_decay=0.5)
    scales = sorted({group["lr_scale"] for group in optimizer.param_groups}, reverse=True)
    assert scales == [0.5**i for i in range(len(build().stages))]


def test_freezing_more_stages_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match="freeze = 9"):
        build(freeze=9)


def test_pretrained_weights_reach_the_encoder(tmp_path: Path) -> None:
    torch.manual_seed(7)
    whole = timm.create_model(BACKBONE, pretrained=False)
    save_file(whole.state_dict(), tmp_path / "weights.safetensors")
    model = build(weights=tmp_path / "weights.safetensors")
    assert model.origin.kind == "file"
    assert model.origin.name == "weights.safetensors"
    assert torch.equal(model.backbone.encoder.conv_stem.weight, whole.conv_stem.weight)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="does not fit"):
        build(weights=tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("backbone", "values", "words"),
    [
        ("", {}, "backbone is not set"),
        ("resnet999", {}, "unknown backbone"),
        ("test_vit", {}, "cannot be an encoder"),
        (BACKBONE, {"backbone_args": {"features_only": False}}, "features_only cannot be set"),
        (BACKBONE, {"backbone_args": {"in_chans": 5}}, "in_chans cannot be set"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(
    backbone: str, values: dict, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        build(backbone, **values)


def test_grey_images_have_one_channel() -> None:
    model = build(image={"size": 64, "channels": 1}).eval()
    with torch.inference_mode():
        assert model(torch.rand(1, 1, 40, 40)).shape == (1, 1, 40, 40)


def test_dropout_is_used_in_training_only() -> None:
    model = build(dropout=0.5)
    assert isinstance(model.backbone, MaskNetwork)
    assert model.backbone.dropout.p == 0.5
    image = torch.rand(1, 3, 64, 64)
    model.eval()
    with torch.inference_mode():
        assert torch.equal(model(image), model(image))
