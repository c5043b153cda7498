"""The panel of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.files import write_json
from comp.review.panels.configuration import panel


def test_only_keys_that_differ_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = texts(panel(runs.add("r", predictions, folds, keys={"optim": {"lr": 0.123}})))
    assert "optim.lr\n0.123" in found
    assert "weight_decay" not in found


def test_the_run_before_is_compared_key_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    old = {"started": "2026-01-01T10:00:00+00:00"}
    runs.add("a", predictions, folds, keys={"epochs": 3}, **old)
    new = {"started": "2026-01-02T10:00:00+00:00"}
    found = texts(panel(runs.add("b", predictions, folds, keys={"epochs": 7}, **new)))
    assert "Against the run before, a" in found
    assert "epochs\n7\n3" in found


def test_keys_that_an_old_run_does_not_know_are_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    old = runs.add("a", predictions, folds, started="2026-01-01T10:00:00+00:00")
    record = old.folder.record()
    config = {key: value for key, value in record["config"].items() if key != "report"}
    write_json(old.folder.path / "run.json", {**record, "config": config})
    new = {"started": "2026-01-02T10:00:00+00:00"}
    found = texts(panel(runs.add("b", predictions, folds, **new)))
    assert "The configuration is the same." in found
    keys = {"report": {"explain": 3}}
    found = texts(panel(runs.add("c", predictions, folds, keys=keys, started="2026-01-01T11:00Z")))
    assert "report.explain\n3\n12" in found
