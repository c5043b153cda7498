"""The command that trains without the samples of a list."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.page.blocks import Code
from comp.review.figures.dropping import dropping


def test_a_run_is_repeated_without_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = dropping(runs.add("r", predictions, folds), "x.csv")
    assert found == [Code("comp run toy --repeat r --set drop=x.csv")]


def test_a_blend_has_no_training_to_repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    blend = {"method": "mean", "runs": [{"run_id": "a"}, {"run_id": "b"}]}
    found = dropping(runs.add("r", predictions, folds, blend=blend), "x.csv")
    assert found == [Code("comp run toy --set drop=x.csv")]


def test_an_earlier_list_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, keys={"drop": "old.csv"})
    assert "old.csv. Add its ids to the new list" in texts(dropping(facts, "x.csv"))
