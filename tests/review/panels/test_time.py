"""Where the time went."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import two_classes

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
