"""The panel of train against test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictured import noise, two_pictured
from reported import ReportedRuns, texts, two_classes
from toys import values

from comp.contract.metrics import RMSE
from comp.contract.sample import Sample
from comp.page.blocks import Figure, Gallery, Panel, Table
from comp.review.panels.drift import histogram, panel

RECORD: dict[str, Any] = {
    "found": True,
    "by": "image statistics",
    "auc": 0.91, "low": 0.86, "high": 0.95, "halves": 0.5,
    "train": 40, "test": 10, "train_groups": 40, "test_groups": 10, "seed": 0,
    "features": [{"name": "brightness", "auc": 0.1, "train": 120.0, "test": 15.0}],
    "like_test": ["t1"], "like_train": ["t0", "gone"], "names": None,
}  # fmt: skip


def charts(found: Panel) -> list[str]:
    return [str(block.chart.title) for block in found.blocks if isinstance(block, Figure)]


def test_a_difference_is_named_with_pictures_and_outlines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(index: int) -> np.ndarray:
        image: np.ndarray = noise(index) // (1 if index < 40 else 8)
        return image

    runs, given, folds = two_pictured(tmp_path, monkeypatch, 40, draw, tests=10)
    found = panel(runs.add("r", given, folds, drift=RECORD))
    assert found is not None
    assert "differ by image statistics (AUC 0.91, 0.86 to 0.95" in texts(found)
    (table,) = (block for block in found.blocks if isinstance(block, Table))
    assert list(table.rows[0]) == ["brightness", 0.1, 120.0, 15.0]
    shown = [[c.id for c in block.cards] for block in found.blocks if isinstance(block, Gallery)]
    assert shown == [["t1"], ["t0"]]
    assert charts(found)[0] == "brightness"
    assert "width" not in charts(found)  # all are equally wide
    assert "40 images of train and 10 of test" in texts(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"found": False, "auc": 0.5, "low": 0.45, "high": 0.55}, "look alike by image statistics"),
        ({"auc": 0.57}, "differ a little"),
        ({"auc": 0.2, "low": 0.1, "high": 0.3}, "copies of training samples"),
        ({"found": None, "reason": "too few samples"}, "Not shown: too few samples"),
        ({"features": 3}, "has not recorded whether"),
    ],
)
def test_each_result_has_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    found = panel(runs.add("r", given, folds, drift=RECORD | change))
    assert found is not None
    assert words in texts(found)


def test_tables_have_outlines_of_their_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"age": float(i), "town": "ab"[i % 2], "rooms": float(i % 5)} for i in range(30)]
    samples = [Sample(id=f"s{i}", target=float(i), features=row) for i, row in enumerate(rows)]
    test = [Sample(id=f"t{i}", features=row) for i, row in enumerate(rows)]
    fields = {"task": values(), "metric": RMSE, "columns": True, "inputs": ("numbers",)}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, test, **fields)
    given = {s.id: 1.0 for s in samples}
    features = [{"name": "rooms", "auc": 0.7, "train": 1.0, "test": 2.0}]
    record = RECORD | {"by": "columns", "features": features}
    facts = runs.add("r", given, {s.id: i % 2 for i, s in enumerate(samples)}, drift=record)
    found = panel(facts)
    assert found is not None
    assert charts(found) == ["rooms", "age"]


def test_outlines_are_shares_of_each_side() -> None:
    found = histogram("x", np.arange(100.0), np.arange(50.0, 100.0))
    assert found is not None
    for _, shares in found.counts:
        assert sum(shares) == pytest.approx(1.0)
    assert sum(found.counts[1][1][:10]) == 0
    assert histogram("x", np.ones(10), np.ones(10)) is None
    assert histogram("x", np.arange(3.0), np.arange(10.0)) is None
    assert histogram("x", np.full(9, np.nan), np.arange(10.0)) is None
