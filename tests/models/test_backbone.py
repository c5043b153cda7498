"""Names of backbones, and their input images."""

from __future__ import annotations

import pytest
import timm
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.backbone import InputSpec, check_backbone, list_tags, pretrained_cfg, resolve_input


def config(backbone: str = "resnet18", **image: object) -> RunConfig:
    return RunConfig(competition="toy", backbone=backbone, image=image)


@pytest.mark.parametrize("name", ["resnet18", "resnet18.tv_in1k", "tf_mobilenetv3_small_100"])
def test_a_backbone_is_known_with_and_without_its_tag(name: str) -> None:
    check_backbone(name)
    with pytest.raises(ConfigError):
        check_backbone(f"{name}x")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet3", "did you mean resnet34 or "),
        ("vit_tiny_patch16_244", "did you mean vit_tiny_patch16_224"),
        ("xyzzy", "list_models"),
        ("", "list_models"),
        ("timm/resnet18", "did you mean resnet18"),
        ("resnet18.mine", "no such weights of resnet18; use one of its tags: a1_in1k, "),
        ("resnet18.", "no such weights of resnet18; use one of its tags: a1_in1k, "),
    ],
)
def test_an_unknown_backbone_comes_with_what_may_have_been_meant(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_backbone(name)
    assert str(refused.value).startswith(f"unknown backbone '{name}'")
    assert hint in str(refused.value)


def test_tags_are_those_of_the_architecture() -> None:
    assert {"a1_in1k", "tv_in1k"} <= set(list_tags("resnet18"))
    assert list_tags("resnet18.tv_in1k") == list_tags("resnet18")


def test_facts_of_a_backbone_without_weights_are_timms_defaults() -> None:
    assert pretrained_cfg("test_vit").input_size == (3, 160, 160)
    assert pretrained_cfg("test_vit").hf_hub_id == "timm/test_vit.r160_in1k"


def test_the_input_is_the_one_that_the_weights_were_made_with() -> None:
    assert resolve_input(config("tf_mobilenetv3_small_100")) == InputSpec(
        size=224,
        channels=3,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation="bilinear",
        crop_pct=0.875,
    )
    resnet = resolve_input(config("resnet10t"))
    assert (resnet.size, resnet.interpolation) == (176, "bicubic")
    assert resnet.mean == pytest.approx((0.485, 0.456, 0.406))


def test_the_tag_decides_where_tags_differ() -> None:
    sizes = {
        tag: resolve_input(config(f"convnext_tiny.{tag}")).size
        for tag in list_tags("convnext_tiny")
    }
    assert {224, 384} <= set(sizes.values())


def test_the_configuration_comes_first() -> None:
    given = resolve_input(
        config(size=96, mean=[0.1, 0.2, 0.3], std=[0.4], interpolation="area", crop_pct=0.9)
    )
    assert given == InputSpec(
        size=96,
        channels=3,
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.4, 0.4),
        interpolation="area",
        crop_pct=0.9,
    )


def test_grey_input_averages_the_channels() -> None:
    grey = resolve_input(config("resnet18", channels=1))
    assert grey.channels == 1
    assert grey.mean == pytest.approx(((0.485 + 0.456 + 0.406) / 3,))
    assert grey.std == pytest.approx(((0.229 + 0.224 + 0.225) / 3,))
    assert resolve_input(config("resnet18", channels=1, mean=[0.25], std=[0.5])).mean == (0.25,)


def test_other_channels_have_the_average_of_the_backbones() -> None:
    bands = resolve_input(config("resnet18", channels=5))
    assert bands.mean == pytest.approx(((0.485 + 0.456 + 0.406) / 3,) * 5)
    assert bands.std == pytest.approx(((0.229 + 0.224 + 0.225) / 3,) * 5)
    own = resolve_input(config("resnet18", channels=2, mean=[0.25, 0.5], std=[0.1]))
    assert (own.mean, own.std) == ((0.25, 0.5), (0.1, 0.1))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ({"mean": [0.5, 0.5]}, ["image.mean = [0.5, 0.5]", "2 values", "image.channels = 3"]),
        ({"std": [0.1, 0.2, 0.3], "channels": 1}, ["image.std", "3 values", "use 1"]),
        ({"mean": []}, ["image.mean = []", "0 values"]),
        ({"mean": [123.7, 116.3, 103.5]}, ["image.mean", "0..1"]),
        ({"mean": [-0.5]}, ["image.mean", "from 0 to 1"]),
        ({"std": [0.0]}, ["image.std = [0.0]", "above 0"]),
    ],
)
def test_means_and_deviations_that_do_not_fit_are_refused(
    image: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve_input(config(**image))
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_network_of_ones_own_brings_its_own_input() -> None:
    own = InputSpec(64, 3, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bilinear", 1.0)
    assert resolve_input(config("mine", channels=1), own) == InputSpec(
        64, 1, (0.5,), (0.25,), "bilinear", 1.0
    )
    assert resolve_input(config("resnet10t"), own).size == 176
    with pytest.raises(ConfigError, match="unknown backbone 'mine'"):
        resolve_input(config("mine"))


def test_no_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def built(module: nn.Module, *args: object, **kwargs: object) -> None:
        raise AssertionError(f"{type(module).__name__} was built")

    monkeypatch.setattr(nn.Module, "__init__", built)
    assert resolve_input(config("resnet18")).size == 224
    with pytest.raises(AssertionError, match="was built"):
        timm.create_model("resnet18")
