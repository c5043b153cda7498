"""`comp weights`: where weights are, and saving them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from comp.cli import main
from comp.files import sha256


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `comp weights`, without a network and with an empty cache of the hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comp", "weights", *args])
        with pytest.raises(SystemExit) as stop:
            main()
        return (int(stop.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A local copy of the hub's file of test_resnet."""
    place = tmp_path / "cache" / "models--timm--test_resnet.r160_in1k"
    copy = place / "snapshots" / "c0ffee" / "model.safetensors"
    copy.parent.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("c0ffee")
    torch.manual_seed(1)
    save_file(timm.create_model("test_resnet").state_dict(), copy)
    return copy


def test_it_says_where_the_weights_are_without_a_network(
    call: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = call("resnet18")
    assert (code, err) == (0, "")
    assert "timm/resnet18.a1_in1k" in out
    assert "/timm/resnet18.a1_in1k/resolve/main/model.safetensors" in out
    assert "apache-2.0" in out
    assert "3 x 224 x 224" in out
    assert "tv_in1k" in out
    assert "local copy  none" in out


def test_the_same_as_json(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("resnet18", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["hub_id"] == "timm/resnet18.a1_in1k"
    assert facts["input_size"] == [3, 224, 224]
    assert facts["cached"] is None


def test_a_copy_is_saved_with_its_hash(
    call: Callable[..., tuple[int, str, str]], cached: Path, tmp_path: Path
) -> None:
    code, out, err = call("test_resnet", "--out", "mine.safetensors")
    assert (code, err) == (0, "")
    assert str(cached) in out
    assert sha256(cached) in out
    assert "--set backbone=test_resnet --set weights=mine.safetensors" in out
    assert (tmp_path / "mine.safetensors").read_bytes() == cached.read_bytes()
    code, out, _ = call("test_resnet", "--out", ".", "--json")
    facts = json.loads(out)
    assert facts["saved"] == "test_resnet.safetensors"
    assert facts["sha256"] == sha256(tmp_path / "test_resnet.safetensors")


def test_without_a_network_it_says_where_and_then_why_not(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = call("resnet18", "--out", "mine.safetensors")
    assert code == 2
    assert "timm/resnet18.a1_in1k" in out
    assert err.startswith("comp: cannot fetch pretrained weights of resnet18 (")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_competition_with_a_network_of_its_own_has_no_weights(
    call: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = call("denoising")
    assert (code, out) == (2, "")
    assert "default backbone 'pagenet' of denoising has no pretrained weights" in err


def test_a_competition_stands_for_its_default_backbone(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "birds.py").write_text(
        "from dataclasses import replace\n"
        "from competitions.denoising import COMPETITION as OTHER\n"
        "COMPETITION = replace(OTHER, name='birds', defaults={'backbone': 'resnet34'})\n"
    )
    code, out, _ = call("birds")
    assert code == 0
    assert "backbone    resnet34" in out


def test_an_unknown_name_is_refused(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("resnet3")
    assert (code, out) == (2, "")
    assert "unknown backbone 'resnet3'" in err
    assert "resnet34" in err
