"""Backbones of a fixed input size, and inputs that are not square."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from comp.config.schema import resolve
from comp.errors import ConfigError
from comp.models.classifier import Classifier, build_classifier


def build(backbone: str, *size: int, **values: Any) -> Classifier:
    layers = [{"backbone": backbone, "image": {"size": list(size)}}, values]
    return build_classifier(resolve("x", layers), 1)


def test_a_network_that_takes_every_grid_for_a_square_is_refused() -> None:
    """timm accepts 2 x 8 patches, since it takes them for 4 x 4, but no 2 x 9."""
    shallow = {"depth": 2, "local_up_to_layer": 1}
    with pytest.raises(ConfigError) as refused:
        build("convit_tiny", 32, 128, backbone_args=shallow)
    assert str(refused.value) == (
        "image.size = [32, 128]: convit_tiny takes images of 32 x 128 pixels for square ones: use "
        "a square size or another backbone"
    )
    with pytest.raises(ConfigError, match="convit_tiny does not accept images of 32 x 144 pixels"):
        build("convit_tiny", 32, 144, backbone_args=shallow)


def test_a_network_that_knows_its_grid_is_built_with_as_many_patches_as_a_square() -> None:
    model = build("test_vit", 32, 128)
    assert model(torch.rand(1, 3, 32, 128)).shape == (1, 1)
    assert model.backbone.patch_embed.grid_size == (2, 8)  # type: ignore[union-attr]


def test_weights_of_as_many_positions_in_another_grid_are_refused(tmp_path: Path) -> None:
    """timm loads them without an error, and without rearranging them in some networks."""
    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_vit", num_classes=1).state_dict(), weights)
    with pytest.raises(ConfigError, match=r"\[80, 320\] has as many pixels as 160 x 160, the size"):
        build("test_vit", 80, 320, weights=weights)
    model = build("test_vit", 64, 160, weights=weights)
    assert model.backbone.get_parameter("pos_embed").shape[1] == 4 * 10 + 1
    assert build("test_vit", 80, 320).origin.kind == "none"
