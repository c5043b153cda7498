"""The libraries that a bundle takes along."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import pytest

from comp.bundle.wheels import requirements
from comp.bundle.wheels.requirements import needed_libraries
from comp.errors import RunError


def test_what_kaggle_lacks_with_the_versions_that_are_here() -> None:
    pins = dict(pin.split("==") for pin in needed_libraries("3.11", ["network"]))
    assert pins["albumentations"] == version("albumentations")
    assert "albucore" in pins  # which albumentations requires
    assert not {"torch", "timm", "numpy", "polars", "kaggle", "captum", "lightgbm"} & set(pins)


INDEX = {
    "comp": ["a>=1", "kaggle", 'catboost; extra == "trees"', 'xgboost>=2.1; extra == "trees"'],
    "a": ["b[more]", "torch", 'c; python_version < "3.11"', 'd; sys_platform == "win32"'],
    "b": ['e; extra == "more"', 'f; extra == "less"', "a"],
    "e": [],
    "xgboost": ["numpy", "scipy"],
}


@pytest.mark.parametrize(
    ("python", "models", "pins"),
    [
        ("3.11", ["network"], ["a==1", "b==1", "e==1"]),
        ("3.12", ["network", "xgboost"], ["a==1", "b==1", "e==1", "xgboost==1"]),
    ],
)
def test_requirements_of_requirements_for_kaggle(
    python: str, models: list[str], pins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def distribution(name: str) -> SimpleNamespace:
        if name not in INDEX:
            raise PackageNotFoundError(name)
        return SimpleNamespace(version="1", requires=INDEX[name])

    monkeypatch.setattr(requirements, "distribution", distribution)
    assert needed_libraries(python, models) == pins
    with pytest.raises(RunError, match="c is not installed"):
        needed_libraries("3.10", models)
