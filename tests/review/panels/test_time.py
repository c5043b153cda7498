"""Where the time went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from reported import texts, two_classes

from comp.page.blocks import Figure
from comp.page.charts import BarChart
from comp.review.panels.time import panel


def test_the_parts_add_up_to_the_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = panel(runs.add("r", predictions, folds, seconds=40.0))
    assert found is not None
    chart = next(b.chart for b in found.blocks if isinstance(b, Figure))
    assert isinstance(chart, BarChart)
    values = {str(bar.label): bar.value for bar in chart.bars}
    assert values["train networks"] == 18.0
    assert values["data, checks, submission, scores"] == 14.0
    assert sum(values.values()) == 40.0


@pytest.mark.parametrize("record", [{"seconds": 5.0}, {"seconds": 40.0, "resumed": ["2026-01-01"]}])
def test_folds_of_several_processes_are_not_parts_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any]
) -> None:
    """Of jobs, and of a run that was resumed, the run has the seconds of its last process."""
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = panel(runs.add("r", predictions, folds, **record))
    assert found is not None
    chart = next(b.chart for b in found.blocks if isinstance(b, Figure))
    assert isinstance(chart, BarChart)
    assert str(chart.title) == "Seconds of the folds, 26 in all"
    assert "data, checks, submission, scores" not in {str(bar.label) for bar in chart.bars}
    assert f"The last process of the run took {record['seconds']:.0f} seconds." in texts(found)


def test_a_run_without_its_seconds_has_those_of_its_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = panel(runs.add("r", predictions, folds, finished=False, state="interrupted"))
    assert found is not None
    chart = next(b.chart for b in found.blocks if isinstance(b, Figure))
    assert isinstance(chart, BarChart)
    assert sum(bar.value for bar in chart.bars) == 26.0
