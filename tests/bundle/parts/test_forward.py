from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from comp.bundle.parts import forward
from comp.bundle.parts.forward import Networks, autocast
from comp.errors import DataError

CPU = torch.device("cpu")
PREDICT = {"tta": "none", "output": "numbers", "tile": 64, "overlap": 0, "channels_last": False}
NONE = {"kind": "none", "arguments": {}}


class Mean(nn.Module):
    """The mean of an image, times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(1, 2, 3))[:, None] * self.weight


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with the weights 1, 2, 3, ... of the networks."""
    monkeypatch.setattr(forward, "build_network", lambda _spec: Mean())
    for number in range(1, 6):
        save_file({"weight": torch.tensor([float(number)])}, tmp_path / f"{number}.safetensors")
    return tmp_path


def bundle(*parts: tuple[int, str, float], **predict: Any) -> dict[str, Any]:
    """Networks as (number, fold, weight)."""
    networks = [
        {"weights": f"{number}.safetensors", "network": {}, "fold": fold, "weight": weight}
        for number, fold, weight in parts
    ]
    return {"networks": networks, "predict": PREDICT | predict, "activation": NONE}


def test_seeds_are_averaged_then_folds_with_their_weights(folder: Path) -> None:
    parts = [(1, "a", 1.0), (4, "a", 1.0), (2, "b", 1.0), (5, "full", 2.0)]
    networks = Networks(bundle(*parts), folder, CPU, "fp32")
    image = np.full((4, 4, 3), 255, np.uint8)
    values = networks([image, image // 255 * 51])
    expected = (2.5 + 2 + 2 * 5) / 4
    assert values.dtype == np.float32
    assert values == pytest.approx(np.array([[expected], [expected / 5]]), abs=1e-6)


def test_the_activation_and_the_copies_are_applied(folder: Path) -> None:
    described = bundle((1, "a", 1.0), tta="hflip")
    described["activation"] = {"kind": "labels", "arguments": {}}
    networks = Networks(described, folder, CPU, "fp32")
    values = networks([np.full((2, 2, 1), 255, np.uint8)])
    assert values.item() == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)


def test_weights_of_half_precision_are_computed_in_single(folder: Path) -> None:
    save_file({"weight": torch.tensor([0.1]).half()}, folder / "1.safetensors")
    networks = Networks(bundle((1, "a", 1.0)), folder, CPU, "fp32")
    assert networks([np.full((1, 1, 1), 255, np.uint8)]).item() == float(torch.tensor(0.1).half())


def test_an_overflow_of_half_precision_is_computed_again(folder: Path) -> None:
    save_file({"weight": torch.tensor([1e5])}, folder / "1.safetensors")

    class Half(Mean):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raw = super().forward(images)
            return raw.half() if torch.is_autocast_enabled("cpu") else raw

    networks = Networks(bundle((1, "a", 1.0)), folder, CPU, "fp16")
    networks.folds["a"][1][0].model.__class__ = Half
    assert networks([np.full((1, 1, 1), 255, np.uint8)]).item() == 1e5


def test_precisions() -> None:
    with autocast(CPU, "bf16"):
        assert torch.is_autocast_enabled("cpu")
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with autocast(CPU, "fp32"):
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("content", [b"", b"torn", None])
def test_weights_that_cannot_be_read(folder: Path, content: bytes | None) -> None:
    path = folder / "1.safetensors"
    if content is None:
        save_file({"other": torch.ones(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read the weights .*1\.safetensors"):
        Networks(bundle((1, "a", 1.0)), folder, CPU, "fp32")
