"""Weights as they are, or in half precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from comp.bundle.weights import copy_weights
from comp.errors import RunError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The weights of a convolution and a BatchNorm."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    network(torch.rand(2, 3, 8, 8) * 100_000)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_the_same_bytes(source: Path, tmp_path: Path) -> None:
    copy_weights(source, tmp_path / "new" / "a.safetensors", half=False)
    assert (tmp_path / "new" / "a.safetensors").read_bytes() == source.read_bytes()


def test_half_keeps_statistics_and_integers(source: Path, tmp_path: Path) -> None:
    copy_weights(source, tmp_path / "half.safetensors", half=True)
    before, after = load_file(source), load_file(tmp_path / "half.safetensors")
    assert after["0.weight"].dtype == torch.float16
    assert torch.allclose(after["0.weight"].float(), before["0.weight"], atol=1e-3)
    assert float(before["1.running_var"].max()) > 65_504
    for name in ("1.running_mean", "1.running_var", "1.num_batches_tracked"):
        assert torch.equal(after[name], before[name])


def test_weights_that_cannot_be_stored(source: Path, tmp_path: Path) -> None:
    save_file({"large": torch.tensor([1e6])}, tmp_path / "large.safetensors")
    with pytest.raises(RunError, match="without --half"):
        copy_weights(tmp_path / "large.safetensors", tmp_path / "x.safetensors", half=True)
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    with pytest.raises(RunError, match="not a readable checkpoint"):
        copy_weights(tmp_path / "broken.safetensors", tmp_path / "x.safetensors", half=True)
    with pytest.raises(RunError, match="train it again"):
        copy_weights(tmp_path / "missing.safetensors", tmp_path / "x.safetensors", half=False)
