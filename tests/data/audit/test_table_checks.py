"""Checks of the columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding
from comp.data.audit.table_checks import check_table
from comp.tasks.regression import regression

COMPETITION = toy(regression(), columns=True)


def samples(count: int = 200, seed: int = 0, **columns: Any) -> list[Sample]:
    """Rows with columns `a` and `b`, and more that are functions of (i, target)."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        target = float(rng.normal())
        cells = {"a": str(round(rng.normal() + target, 6)), "b": "xyz"[rng.integers(3)]}
        cells |= {name: function(i, target) for name, function in columns.items()}
        rows.append(Sample(id=f"{seed}-{i}", target=target, features=cells))
    return rows


def found(train: list[Sample], test: list[Sample], **config: Any) -> dict[str, Finding]:
    findings = check_table(COMPETITION, ColumnsConfig(**config), train, test)
    return {finding.kind: finding for finding in findings}


def test_a_sound_table_has_no_findings() -> None:
    assert found(samples(), samples(seed=1)) == {}


def test_images_without_columns_have_no_findings() -> None:
    plain = toy(regression())
    assert check_table(plain, ColumnsConfig(), samples(k=lambda i, t: "k"), []) == []


def test_columns_that_only_one_split_has() -> None:
    findings = found(samples(c=lambda i, t: i % 5), samples(d=lambda i, t: i % 5))
    assert findings["column-missing"].names == ("c",)
    assert findings["column-missing"].severity == "error"
    assert findings["column-only-in-test"].names == ("d",)
    dropped = found(samples(c=lambda i, t: i % 5), samples(seed=1), drop=["c"])
    assert "column-missing" not in dropped


def test_what_is_planted_is_found() -> None:
    planted: dict[str, Any] = {
        "constant": lambda i, t: "k",
        "row": lambda i, t: i + 1,
        "gap": lambda i, t: "NA" if i % 4 == 0 else i % 5,
        "text": lambda i, t: f"text {i}",
        "leak": lambda i, t: round(t * 3 + 1, 6),
        "first": lambda i, t: i * i % 11,
        "second": lambda i, t: str(i * i % 11),
    }
    findings = found(samples(**planted), samples(seed=1, **planted))
    assert findings["column-unused"].names[0] == "constant (it has one value)"
    assert findings["column-unused"].names[1].startswith("text (200 texts in 200 rows")
    assert findings["id-column"].names == ("row",)
    assert findings["gaps"].names == ("gap (25 %)",)
    assert findings["same-column"].names == ("first = second",)
    (leak,) = findings["gives-target-away"].names
    assert leak.startswith("leak (R2 0.99")


def test_a_column_without_a_clear_kind_is_an_error() -> None:
    findings = found(samples(c=lambda i, t: f"{1 + i % 9},{100 + i}"), samples(seed=1))
    assert findings["columns"].severity == "error"
    assert "whose comma may group thousands" in findings["columns"].names[0]


def test_test_cells_of_another_kind() -> None:
    train = samples(c=lambda i, t: i % 5)
    few = found(train, samples(seed=1, c=lambda i, t: i % 5 if i else "abc"))
    assert few["unreadable-cells"].severity == "warning"
    many = found(train, samples(seed=1, c=lambda i, t: "abc"))
    assert many["columns-of-test"].severity == "error"


def test_training_cells_of_a_second_form() -> None:
    def when(i: int, _target: float) -> str:
        return f"{1 + i % 28:02}/01/2024" if i < 20 else f"2024-02-{1 + i % 28:02}"

    named = found(samples(when=when), samples(seed=1, when=when), dates=["when"])
    first, second = named["unreadable-cells"].names
    assert first.startswith("column 'when': 20 of its 200 training cells are not dates of the form")
    assert second.startswith("column 'when': 20 of 200 cells are not dates")


def test_rows_that_are_equal() -> None:
    train, test = samples(), samples(seed=1)
    copy = Sample(id="copy", target=0.0, features=train[0].features)
    findings = found([*train, copy], [*test, copy])
    assert findings["same-row"].names == ("0-0, copy",)
    assert findings["same-row-in-test"].names == ("0-0, copy",)


def test_only_quick_checks_train_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.data.audit.table_checks.find_giveaways", None)
    train, test = samples(leak=lambda i, t: t), samples(seed=1, leak=lambda i, t: t)
    assert check_table(COMPETITION, ColumnsConfig(), train, test, quick=True) == []
