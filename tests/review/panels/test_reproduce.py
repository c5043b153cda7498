"""How to reproduce a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reported import two_classes

from comp.review.panels.reproduce import commands
from comp.workspace import Workspace


def test_a_run_is_repeated_and_a_blend_is_blended_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert "comp run toy --repeat r" in commands(runs.add("r", predictions, folds))
    blend = {"method": "mean", "runs": [{"run_id": "r"}, {"run_id": "q"}]}
    facts = runs.add("b", predictions, folds, blend=blend)
    assert commands(facts) == "comp blend r q --method mean\ncomp submit b"


def test_runs_of_another_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    other = replace(facts, workspace=Workspace.at(tmp_path, tmp_path / "far away"))
    first, *others = commands(other).splitlines()
    assert first == f"comp run toy --repeat r --out '{tmp_path / 'far away'}'"
    assert others == [
        f"comp {word} r --runs '{tmp_path / 'far away'}'" for word in ("predict", "submit")
    ]
