"""The panel of parts: where a run is weak."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import ReportedRuns, texts, two_classes

from comp.contract.sample import Sample
from comp.page.blocks import Bullets, Figure
from comp.page.charts import BarChart
from comp.review.panels.slices import MOST, panel


def grouped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: int, bad: str) -> ReportedRuns:
    """A run "r" over groups of ten samples, one of which is predicted badly."""
    samples = [Sample(id=f"s{i}", target=i % 2, group=f"p{i // 10}") for i in range(10 * groups)]
    known = two_classes(tmp_path, monkeypatch)[0].competition
    fields = {"task": known.task, "metric": known.metric}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    given = {
        s.id: 0.45 + 0.1 * (i % 2) if s.group == bad else 0.2 + 0.6 * (i % 2) + i / 1e4
        for i, s in enumerate(samples)
    }
    runs.add("r", given, {s.id: (i // 10) % 2 for i, s in enumerate(samples)})
    return runs


def test_a_weak_group_is_named_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.review.facts import read_facts

    runs = grouped(tmp_path, monkeypatch, 20, "p3")
    found = panel(read_facts("r", runs.workspace))
    assert found is not None
    (bullets,) = (b for b in found.blocks if isinstance(b, Bullets))
    assert [str(entry)[:9] for entry in bullets.entries] == ["group, p3"]
    assert "of 10 samples; of the whole" in str(bullets.entries[0])
    charts = [b.chart for b in found.blocks if isinstance(b, Figure)]
    (groups,) = (c for c in charts if isinstance(c, BarChart) and "group" in str(c.title))
    assert len(groups.bars) == MOST
    assert str(groups.title) == "By group: the worst 12 of 20"
    assert groups.bars[0].label == "p3"
    assert groups.bars[0].note == "n=10 *"
    assert not any("*" in str(bar.note) for bar in groups.bars[1:])


def test_a_run_that_is_alike_everywhere_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.review.facts import read_facts

    runs = grouped(tmp_path, monkeypatch, 5, "none")
    found = panel(read_facts("r", runs.workspace))
    assert found is not None
    assert "None of 5 parts is worse than the whole beyond chance" in texts(found)
    assert not any(isinstance(block, Bullets) for block in found.blocks)


def test_too_few_samples_are_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch, 8)
    found = panel(runs.add("r", given, folds))
    assert found is not None
    assert "no part has 10 samples" in texts(found)
