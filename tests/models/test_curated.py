"""Backbones that are worth a try: their names, and where their weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm

from comp.errors import WeightsError
from comp.models import curated as module
from comp.models.curated import LARGE, MEDIUM, SMALL, curated, fetched, weights_files


@pytest.mark.parametrize("name", [*SMALL, *MEDIUM, *LARGE])
def test_timm_has_every_backbone_with_pretrained_weights(name: str) -> None:
    assert timm.get_pretrained_cfg(name).hf_hub_id


def test_the_backbones_grow_with_the_device_and_the_budget() -> None:
    assert set(curated("cpu (2 threads)", 900.0)) == set(SMALL)
    assert "convnext_tiny" in curated("cpu (2 threads)", 8000.0)
    assert not set(curated("cuda (T4)", 900.0)) & set(LARGE)
    assert set(LARGE) < set(curated("cuda (T4)", 4 * 3600.0))


def test_files_are_found_by_the_names_of_backbones(tmp_path: Path) -> None:
    for name in ("resnet18.safetensors", "resnet18.a1_in1k.pth", "notes.txt", "mine.safetensors"):
        (tmp_path / name).touch()
    found = weights_files([tmp_path])
    assert set(found) == {"resnet18", "resnet18.a1_in1k"}
    assert found["resnet18"] == tmp_path / "resnet18.safetensors"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "resnet18.pt").touch()
    first = weights_files([tmp_path / "other", tmp_path])
    assert first["resnet18"].parent.name == "other"


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone.safetensors", "no weights at"), ("mine.safetensors", "is not named as a backbone")],
)
def test_a_file_that_names_no_backbone_is_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").touch()
    with pytest.raises(WeightsError, match=words):
        weights_files([tmp_path / name])
    with pytest.raises(WeightsError, match="contains no file that is"):
        weights_files([tmp_path])


def test_the_hub_is_asked_once_if_it_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(name: str) -> None:
        asked.append(name)
        raise WeightsError(f"cannot fetch pretrained weights of {name} (no answer: 6 s): connect")

    def find(name: str) -> Any:
        return type("Found", (), {"cached": Path("x") if name == "resnet18" else None})

    monkeypatch.setattr(module, "fetch_weights", fetch)
    monkeypatch.setattr(module, "find_weights", find)
    problems: dict[str, str] = {}
    names = ["convnext_tiny", "resnet18", "regnety_004"]
    assert list(fetched(names, problems)) == ["resnet18"]
    assert asked == ["convnext_tiny"]
    assert set(problems) == {"convnext_tiny", "regnety_004"}
    assert set(problems.values()) == {
        "cannot fetch pretrained weights of convnext_tiny (no answer: 6 s)"
    }
