"""What trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.review.panels.transfer import panel

STAGE = {"name": "stem", "parameters": 100, "frozen": True, "thaws": None, "batch_norm": "eval"}
HEAD = {"name": "head", "parameters": 20, "frozen": False, "thaws": 0, "batch_norm": ""}


def test_frozen_stages_are_told_from_those_that_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    assert panel(facts) is None
    rates = {"lr": 1e-3, "weight_decay": 0.1}
    path = facts.folds[0].path / "stages.json"
    path.write_text(json.dumps([STAGE | rates, HEAD | rates]))
    found = panel(facts)
    assert found is not None
    words = texts(found)
    assert "never (frozen)" in words
    assert "20 of 120 parameters train" in words
