from typing import Any

import pytest
import torch

from comp.bundle.parts.libraries import (
    NEEDED,
    backbones_of,
    check_backbones,
    check_libraries,
    installed_version,
    numbers,
)
from comp.errors import CompError

HERE = dict.fromkeys(NEEDED, "2.6.0+cu124")


def test_versions_of_the_run() -> None:
    log: list[str] = []
    check_libraries(HERE | {"torch": "2.6.0+cpu"}, log.append, HERE.get)
    assert len(log) == 1
    assert log[0].startswith("libraries as in the run: torch 2.6.0+cu124")


def test_other_versions_are_said_and_used() -> None:
    log: list[str] = []
    check_libraries({"torch": "2.10.1", "timm": "1.0", "opencv": "4"}, log.append, HERE.get)
    assert log == [
        "libraries differ from those of the run: torch 2.6.0+cu124 is older than 2.10.1, "
        "timm 2.6.0+cu124 is newer than 1.0"
    ]


def test_names_in_other_letters_and_unknown_versions() -> None:
    log: list[str] = []
    check_libraries({"Pillow": "11.0", "numpy": None}, log.append, HERE.get)
    assert log == ["libraries differ from those of the run: pillow 2.6.0+cu124 is older than 11.0"]


def test_a_missing_library() -> None:
    with pytest.raises(CompError, match="timm is not installed here"):
        check_libraries({}, print, (HERE | {"timm": None}).get)


def test_the_libraries_here() -> None:
    log: list[str] = []
    check_libraries({name: installed_version(name) for name in NEEDED}, log.append)
    assert log[0].startswith("libraries as in the run")


def test_torch_that_cannot_use_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch, "from_numpy", fail)
    with pytest.raises(CompError, match="cannot use numpy"):
        check_libraries({}, print, HERE.get)


def networks(*names: str) -> list[dict[str, Any]]:
    return [{"network": {"kind": "classifier", "backbone": name}} for name in names]


def test_a_backbone_that_timm_does_not_know() -> None:
    check_backbones(networks("resnet18", "resnet18.a1_in1k"), "1.0.21")
    with pytest.raises(CompError) as caught:
        check_backbones(networks("resnet18", "resnet19"), "1.0.99")
    assert "does not know the backbone resnet19 of the run (timm 1.0.99)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_timm_does_not_know() -> None:
    with pytest.raises(CompError, match=r"resnet18\.of_tomorrow"):
        check_backbones(networks("resnet18.of_tomorrow"), None)


def test_backbones_inside_of_other_networks() -> None:
    inner = {"kind": "encoder_decoder", "backbone": "resnet18"}
    parts = [{"network": {"kind": "corrector", "network": inner}}, {"network": {"kind": "own"}}]
    assert list(backbones_of(parts)) == ["resnet18"]


def test_numbers_of_versions() -> None:
    assert numbers("2.6.0+cu124") == (2, 6, 0)
    assert numbers("1.0.21.dev0") == (1, 0, 21)
    assert numbers("unknown") == ()
