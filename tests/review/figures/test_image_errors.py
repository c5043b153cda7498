"""Errors of predicted images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from squares import image_runs, mask

from comp.contract.metrics import RMSE
from comp.review.figures.image_errors import ImageRow, image_rows, worst_first
from comp.review.figures.image_items import image_items


def higher(index: int) -> np.ndarray:
    """The truth, higher by 0.01 times the number of the sample."""
    return (mask(index) + 0.01 * index).astype(np.float32)


def test_rows_and_sums_are_those_of_the_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 8, restores=True, predict=higher)
    assert facts.oof is not None
    rows, sums = image_rows(image_items(facts.oof), facts.metric, restores=True)
    assert [row.bias for row in rows] == pytest.approx([0.01 * i for i in range(8)], abs=1e-6)
    assert [row.score for row in rows] == pytest.approx([row.rmse for row in rows], abs=1e-6)
    assert sums.rmse == pytest.approx(facts.scores["cv_score"], abs=1e-6)
    assert sums.count.sum() == sums.histogram.sum() == 8 * 24 * 24
    assert sums.count[0] == 8 * 24 * 24 - 2 * (16 + 64 + 144)
    image = rows[1].untouched
    assert image is not None
    assert 0.05 < image < 0.2
    assert worst_first(rows, RMSE)[0].id == "s7"


def test_images_without_a_score_come_last() -> None:
    def row(name: str, score: float) -> ImageRow:
        return ImageRow(id=name, fold=0, score=score, rmse=1.0, bias=0.0, untouched=None)

    order = worst_first([row("a", float("nan")), row("b", 0.1), row("c", 0.3)], RMSE)
    assert [entry.id for entry in order] == ["c", "b", "a"]
