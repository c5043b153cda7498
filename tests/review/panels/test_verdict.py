"""The panel of the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.review.panels.verdict import panel

OLD, NEW = {"started": "2026-01-01T10:00:00+00:00"}, {"started": "2026-01-02T10:00:00+00:00"}


@pytest.mark.parametrize(("swapped", "words"), [(False, "It is better"), (True, "It is worse")])
def test_a_real_difference_says_which_run_is_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: bool, words: str
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch, count=200)
    bad = {
        name: 0.5 + 0.1 * (value - 0.5) * (-1) ** i for i, (name, value) in enumerate(good.items())
    }
    first, second = (good, bad) if swapped else (bad, good)
    runs.add("a", first, folds, **OLD)
    assert words in texts(panel(runs.add("b", second, folds, **NEW)))


def test_the_same_predictions_cannot_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch)
    runs.add("a", good, folds, **OLD)
    found = texts(panel(runs.add("b", good, folds, **NEW)))
    assert "It is better" not in found
    assert "It is worse" not in found
    assert "not sent" in found
