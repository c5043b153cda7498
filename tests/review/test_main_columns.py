"""The main columns of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns
from toys import values

from comp.contract.metrics import RMSE
from comp.contract.sample import Sample
from comp.review.facts import RunFacts
from comp.review.main_columns import column_importances, main_columns


def facts_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, importances: dict[int, dict[str, float]]
) -> RunFacts:
    samples = [
        Sample(
            id=f"s{i}",
            target=float(i),
            features={"age": f"{i}", "town": "ab"[i % 2], "same": 1.0, "rooms": float(i % 5)},
        )
        for i in range(20)
    ]
    fields = {"task": values(), "metric": RMSE, "columns": True, "inputs": ("numbers",)}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    given = {s.id: float(i) for i, s in enumerate(samples)}
    metas = {fold: {"importances": found} for fold, found in importances.items()}
    return runs.add("r", given, {s.id: i % 2 for i, s in enumerate(samples)}, metas=metas)


def test_the_columns_that_matter_most_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {0: {"rooms": 0.5, "age": 0.1}, 1: {"rooms": 0.3, "age": 0.5}}
    facts = facts_of(tmp_path, monkeypatch, measured)
    assert column_importances(facts) == {"rooms": 0.4, "age": 0.3}
    assert [column.name for column in main_columns(facts)] == ["rooms", "age", "town"]


def test_cells_are_numbers_or_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {c.name: c for c in main_columns(facts_of(tmp_path, monkeypatch, {}))}
    assert list(columns) == ["age", "town", "rooms"]
    rows = [{"age": "7", "town": "b"}, {"age": None, "town": None}, {}]
    assert columns["age"].numeric
    numbers = columns["age"].numbers(rows)
    assert numbers[0] == 7
    assert np.isnan(numbers[1:]).all()
    assert not columns["town"].numeric
    assert columns["town"].texts(rows) == ["b", "", ""]
