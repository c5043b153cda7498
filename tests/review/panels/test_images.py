"""The panel of predicted images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import texts
from squares import image_runs, mask

from comp.page.blocks import Figure, Gallery, Page, Table
from comp.page.charts import BarChart
from comp.page.document import render
from comp.review.figures.image_errors import ImageRow
from comp.review.panels.images import chosen_images, panel


def darker(index: int) -> np.ndarray:
    """The truth, whose white is too dark, more with each sample."""
    return (mask(index) * (1 - 0.05 * index)).astype(np.float32)


def test_the_worst_images_come_first_with_their_error_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = panel(image_runs(tmp_path, monkeypatch, 12, restores=True, predict=darker))
    assert found is not None
    table = next(b for b in found.blocks if isinstance(b, Table))
    assert [row[0] for row in table.rows[:2]] == ["s11", "s7"]
    assert [str(column) for column in table.columns] == [
        "image", "fold", "RMSE", "mean error", "RMSE before",
    ]  # fmt: skip
    cards = next(b for b in found.blocks if isinstance(b, Gallery)).cards
    assert [str(card.lines[0]) for card in cards] == ["worst"] * 4 + ["middling"] * 4 + ["best"] * 4
    assert cards[0].id == "s11"
    assert {len(card.pictures) for card in cards} == {4}
    charts = {str(b.chart.title): b.chart for b in found.blocks if isinstance(b, Figure)}
    bars = charts["RMSE by the true value of a pixel"]
    assert isinstance(bars, BarChart)
    assert [str(bar.label) for bar in bars.bars] == ["0.0 .. 0.1", "0.9 .. 1.0"]
    assert bars.bars[0].value == 0 < bars.bars[1].value
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]


def test_images_that_get_worse_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grey(index: int) -> np.ndarray:
        return np.full((24, 24, 1), 0.5, dtype=np.float32)

    found = panel(image_runs(tmp_path, monkeypatch, 4, restores=True, predict=grey))
    assert found is not None
    assert "4 of 4 images are worse after than before" in texts(found)


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_each_image_is_shown_once(count: int) -> None:
    rows = [
        ImageRow(id=str(i), fold=0, score=1.0, rmse=1.0, bias=0.0, untouched=None)
        for i in range(count)
    ]
    names = [row.id for _, row in chosen_images(rows)]
    assert len(set(names)) == len(names) == min(count, 12)


def test_masks_are_no_restored_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert panel(image_runs(tmp_path, monkeypatch, 4)) is None
