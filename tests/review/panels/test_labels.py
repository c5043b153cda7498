"""The panel of several labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns, texts

from comp.contract.metrics import MEAN_AUC
from comp.contract.sample import Sample
from comp.page.blocks import Figure, Page, Table
from comp.page.document import render
from comp.review.facts import RunFacts
from comp.review.panels.labels import label_rows, pairs_of_mistakes, panel
from comp.tasks.multilabel import multilabel

NAMES = ("cloud", "rain", "never")


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """60 samples; rain is always missed, and a cloud decided instead."""
    truth = [(float(i % 3 == 0), float(i % 3 == 1), 0.0) for i in range(60)]
    samples = [Sample(id=f"s{i}", target=target) for i, target in enumerate(truth)]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=multilabel(NAMES), metric=MEAN_AUC)
    rng = np.random.default_rng(0)
    predictions = {
        s.id: np.array(
            [0.6 + 0.2 * (i % 3 < 2) - 0.4 * (i % 3 == 2), 0.1 + 0.2 * rng.random(), 0.1]
        )
        for i, s in enumerate(samples)
    }
    return runs.add("r", predictions, {s.id: i // 3 % 2 for i, s in enumerate(samples)})


def test_mistakes_that_occur_together_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = panel(run(tmp_path, monkeypatch))
    assert found is not None
    tables = {str(b.caption): b for b in found.blocks if isinstance(b, Table)}
    swapped = tables["One label missed, another one wrongly decided"]
    assert list(swapped.rows[0]) == ["rain", "cloud", 20, 1.0]
    assert "All labels are right for 66.7%" in texts(found)
    assert [row[0] for row in tables["3 of 3 labels, lowest area first"].rows][-1] == "never"
    titles = [str(b.chart.title) for b in found.blocks if isinstance(b, Figure)]
    assert titles[:2] == ["ROC curve", "Precision and recall"]
    assert "never" not in texts([b for b in found.blocks if isinstance(b, Figure)])
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]


def test_of_many_labels_the_worst_are_compared() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((300, 500)) < 0.05
    decided = truth.copy()
    decided[truth[:, 7], 7] = False
    decided[truth[:, 7], 9] = True
    rows = label_rows(truth, decided + 0.0, decided)
    assert len(rows) == 50
    assert 7 in [row.label for row in rows]
    swapped, together = pairs_of_mistakes(truth, decided)
    assert swapped[0][:2] == (7, 9)
    assert together == []


def test_labels_without_decisions_are_sorted_by_their_area() -> None:
    truth = np.array([[True, False], [False, True], [True, True]])
    chances = np.array([[0.1, 0.1], [0.9, 0.8], [0.2, 0.9]])
    rows = label_rows(truth, chances, None)
    assert [(row.label, row.auc) for row in rows] == [(0, 0.0), (1, 1.0)]
    assert np.isnan(rows[0].f1)
