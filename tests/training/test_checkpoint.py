"""Weights and results of a fold: write, read, and refuse damaged files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from comp.errors import RunError
from comp.training.checkpoint import (
    has_weights,
    load_meta,
    load_weights,
    save_meta,
    save_weights,
)


def network(width: int = 3, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width))


class Bomb:
    """A pickle that creates a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


def test_weights_are_read_bit_for_bit(tmp_path: Path) -> None:
    model, other = network(seed=1), network(seed=2)
    model[1].running_mean.fill_(0.25)
    model[1].num_batches_tracked.fill_(7)
    save_weights(tmp_path, model.state_dict())
    load_weights(tmp_path, other)
    assert model.state_dict().keys() == other.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])
        assert value.dtype == other.state_dict()[name].dtype
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_weights_of_any_layout_and_shared_memory_can_be_saved(tmp_path: Path) -> None:
    model = nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last)
    shared = {"weight": model.weight, "bias": model.bias, "twin": model.bias}
    save_weights(tmp_path, shared)
    with pytest.raises(RunError, match="another network"):
        load_weights(tmp_path, nn.Conv2d(4, 4, 3))
    save_weights(tmp_path, model.state_dict())
    other = nn.Conv2d(4, 4, 3)
    load_weights(tmp_path, other)
    assert torch.equal(model.weight, other.weight)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no weights at .*model\.safetensors: .* not finished"):
        load_weights(tmp_path, network())


@pytest.mark.parametrize("keep", [0, 4, 20, -1])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, keep: int) -> None:
    save_weights(tmp_path, network().state_dict())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match=r"model\.safetensors is not a readable checkpoint .* again"):
        load_weights(tmp_path, network())


def test_a_checkpoint_of_another_network_is_named(tmp_path: Path) -> None:
    save_weights(tmp_path, network(width=3).state_dict())
    with pytest.raises(RunError, match=r"model\.safetensors belongs to another network \(.*Seq"):
        load_weights(tmp_path, network(width=4))
    with pytest.raises(RunError, match="another network"):
        load_weights(tmp_path, nn.Linear(2, 2))


@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_a_pickle_named_safetensors_is_refused_and_never_opened(tmp_path: Path, write: str) -> None:
    trap = tmp_path / "sprung"
    path = tmp_path / "model.safetensors"
    if write == "pickle":
        path.write_bytes(pickle.dumps(Bomb(trap)))
    else:
        torch.save(Bomb(trap), path)
    with pytest.raises(RunError, match="not a readable checkpoint"):
        load_weights(tmp_path, network())
    assert not trap.exists()


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1]", b"3", b"\xff\xfe"])
def test_a_damaged_meta_counts_as_none(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "meta.json").write_bytes(damaged)
    assert load_meta(tmp_path) is None


def test_meta_is_json_and_can_be_read(tmp_path: Path) -> None:
    assert load_meta(tmp_path) is None
    save_meta(tmp_path, {"fold": 1, "score": 0.125})
    assert load_meta(tmp_path) == {"fold": 1, "score": 0.125}
    assert json.loads((tmp_path / "meta.json").read_text()) == {"fold": 1, "score": 0.125}


def test_weights_with_counters_are_complete_and_cut_ones_are_not(tmp_path: Path) -> None:
    """BatchNorm counts its batches in whole numbers."""
    assert not has_weights(tmp_path)
    save_weights(tmp_path, network().state_dict())
    assert has_weights(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    assert not has_weights(tmp_path)
