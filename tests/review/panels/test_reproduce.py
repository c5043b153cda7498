"""How to reproduce a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import two_classes

from comp.review.panels.reproduce import commands


def test_a_run_is_repeated_and_a_blend_is_blended_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert "comp run toy --repeat r" in commands(runs.add("r", predictions, folds))
    blend = {"method": "mean", "runs": [{"run_id": "r"}, {"run_id": "q"}]}
    assert commands(runs.add("b", predictions, folds, blend=blend)).startswith("comp blend r q\n")
