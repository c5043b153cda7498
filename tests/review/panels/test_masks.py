"""The panel of masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import texts
from squares import image_runs, mask, shifted

from comp.page.blocks import Figure, Gallery, Page, Panel
from comp.page.charts import BarChart, Heatmap, LineChart
from comp.page.document import render
from comp.review.panels.masks import panel
from comp.tasks.segmentation import segmentation


def some_empty(index: int) -> np.ndarray:
    """As `shifted`; but sample 0 has a false alarm, and sample 1 is missed."""
    if index == 0:
        return shifted(3)
    return shifted(0) if index == 1 else shifted(index)


def gallery(found: Panel | None) -> Gallery:
    assert found is not None
    return next(b for b in found.blocks if isinstance(b, Gallery))


def test_empty_masks_that_are_wrong_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = panel(image_runs(tmp_path, monkeypatch, 12, predict=some_empty))
    assert found is not None
    assert "3 of 12 true masks are empty. Of these, 2 are decided as empty and 1 are not" in texts(
        found
    )
    charts = {str(b.chart.title): b.chart for b in found.blocks if isinstance(b, Figure)}
    matrix = charts["Empty masks"]
    assert isinstance(matrix, Heatmap)
    assert matrix.values == [[2, 1], [1, 8]]
    cards = gallery(found).cards
    assert [(card.id, str(card.lines[0])) for card in cards[:2]] == [
        ("s0", "false alarm"),
        ("s1", "missed"),
    ]
    assert len({card.id for card in cards}) == len(cards)
    assert {len(card.pictures) for card in cards} == {2}
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]


def test_scores_are_by_size_and_by_each_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 24)
    found = panel(facts)
    assert found is not None
    name = facts.metric.name
    charts = {str(b.chart.title): b.chart for b in found.blocks if isinstance(b, Figure)}
    sizes = charts[f"{name} by the size of the true mask"]
    assert isinstance(sizes, BarChart)
    assert [str(bar.note) for bar in sizes.bars] == ["n=6"] * 4
    assert str(sizes.bars[0].label) == "empty"
    assert sizes.bars[1].value < sizes.bars[3].value < sizes.bars[0].value == 1.0
    assert sizes.reference == pytest.approx(facts.scores["cv_score"])
    curve = charts[f"{name} against the threshold"]
    assert isinstance(curve, LineChart)
    line = curve.series[0]
    assert line.y[list(line.x).index(0.5)] == pytest.approx(facts.scores["cv_score"])
    assert curve.marks[0][0] == 0.5


def test_exclusive_masks_have_no_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(index: int) -> np.ndarray:
        return np.concatenate([1 - shifted(index), shifted(index)], axis=2)

    def read(sample: object) -> dict[str, np.ndarray]:
        target = mask(int(sample.id[1:]))  # type: ignore[attr-defined]
        return {"image": target * 200, "target": target}

    task = segmentation(("background", "square"), exclusive=True)
    facts = image_runs(tmp_path, monkeypatch, 8, predict=both, task=task, reader=lambda *_: read)
    found = panel(facts)
    assert found is not None
    assert "Each image has 2 masks" in texts(found)
    assert "against the threshold" not in texts(found)
    assert {card.tags["mask"] for card in gallery(found).cards} == {"background", "square"}


def test_restored_images_are_no_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert panel(image_runs(tmp_path, monkeypatch, 4, restores=True)) is None


def test_nothing_that_can_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {f"s{i}" for i in range(4)}
    found = panel(image_runs(tmp_path, monkeypatch, 4, diverged=ids))
    assert found is not None
    assert "4 predictions are not finite" in texts(found)
