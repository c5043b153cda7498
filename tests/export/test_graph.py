"""The module that is exported predicts what `comp predict` computes, without choices in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from toys import toy

from comp.config.schema import resolve
from comp.contract.competition import Competition
from comp.export.graph import Mean, Prediction, without_padding
from comp.inference.forward import Forward
from comp.models.classifier import build_classifier
from comp.models.segmenter import build_segmenter
from comp.tasks.multiclass import multiclass
from comp.tasks.segmentation import segmentation
from competitions.denoising import COMPETITION as DENOISING


def segmenter(backbone: str) -> tuple[Competition, nn.Module]:
    config = resolve("toy", [{"backbone": backbone, "pretrained": False}])
    return toy(segmentation()), build_segmenter(config, 1).eval()


def pages() -> tuple[Competition, nn.Module]:
    network = DENOISING.model(resolve("denoising", [], DENOISING.options)).eval()
    with torch.no_grad():
        for value in network.parameters():
            value += torch.randn_like(value) * 0.05  # its last layer is zero at the start
    return DENOISING, network


MAKE: dict[str, Callable[[], tuple[Competition, nn.Module]]] = {
    "aligned": lambda: segmenter("test_resnet"),
    "padded": lambda: segmenter("test_convnext"),
    "pages": pages,
}


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("size", [(33, 70), (64, 96)])
def test_dense_networks_of_any_size(name: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    competition, network = MAKE[name]()
    channels = 2 if name == "pages" else 3
    pixels = torch.randint(0, 256, (2, *size, channels), dtype=torch.uint8)
    task = competition.task
    forward = Forward(model=network, activation=task.activation, output="image")
    with torch.inference_mode():
        expected = forward(pixels.permute(0, 3, 1, 2))
        found = Prediction(network, competition)(pixels)
    assert found.shape == (2, *size, 1)
    assert float((found - expected).abs().max()) < 1e-6


def test_numbers_and_the_mean_of_networks() -> None:
    competition = toy(multiclass(("a", "b", "c")))
    config = resolve(
        "toy", [{"backbone": "test_resnet", "pretrained": False, "image": {"size": 64}}]
    )
    networks = [build_classifier(config, 3).eval() for _ in range(2)]
    pixels = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8)
    forward = [Forward(model=n, activation=competition.task.activation) for n in networks]
    with torch.inference_mode():
        one, two = (each(pixels.permute(0, 3, 1, 2)) for each in forward)
        mean = Mean([Prediction(n, competition) for n in networks], [0.25, 0.75])(pixels)
    assert torch.allclose(mean, one * 0.25 + two * 0.75, atol=1e-6)
    assert torch.allclose(mean.sum(dim=1), torch.ones(3), atol=1e-5)


def test_images_that_are_floats_stay_as_they_are() -> None:
    competition = replace(toy(), inputs=("image",))
    pixels = torch.rand(1, 4, 4, 3)
    assert torch.allclose(Prediction(nn.Identity(), competition)(pixels), pixels)


def test_a_network_that_padded_itself_takes_its_input_as_it_is() -> None:
    _, network = segmenter("test_convnext")
    multiple = int(network.multiple)  # type: ignore[arg-type]
    assert multiple > 1
    assert without_padding(network) == multiple
    found: Any = network.multiple
    assert found == 1
