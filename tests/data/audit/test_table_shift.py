"""Columns that differ between train and test."""

from __future__ import annotations

from typing import Any

import numpy as np

from comp.config.columns import ColumnsConfig
from comp.data.audit.findings import Finding
from comp.data.audit.table_shift import find_shift
from comp.data.columns.treatment import Treatment


def rows(
    seed: int, shift: float = 0, letters: str = "xyz", count: int = 300
) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {"a": float(rng.normal() + shift), "b": letters[rng.integers(len(letters))]}
        for _ in range(count)
    ]


def found(test: list[dict[str, Any]]) -> dict[str, Finding]:
    train = rows(0)
    treatment = Treatment.fit(train, ColumnsConfig())
    return {f.kind: f for f in find_shift(treatment, train, test)}


def test_rows_alike_have_no_findings() -> None:
    assert found(rows(1)) == {}


def test_a_shift_of_numbers_is_found() -> None:
    (name,) = found(rows(1, shift=2))["column-shift"].names
    assert name.startswith("a (distance 0.")


def test_categories_that_differ_and_that_are_new() -> None:
    assert found(rows(1, letters="xxxxxz"))["column-shift"].names[0].startswith("b (distance 0.")
    (name,) = found(rows(1, letters="xyzxyzxyzw"))["unknown-categories"].names
    assert name.startswith("b (")
    assert name.endswith("such as 'w')")


def test_gaps_of_one_split_are_found() -> None:
    test = [row | {"a": None if i % 2 else row["a"]} for i, row in enumerate(rows(1))]
    assert found(test)["column-shift"].names == ("a (gaps +50%)",)


def test_few_rows_are_not_compared() -> None:
    assert found(rows(1, shift=9, count=20)) == {}
