"""The kinds of the columns are found once for all folds and models of a run."""

from __future__ import annotations

import pytest

from comp.config.columns import ColumnsConfig
from comp.pipeline import fold_columns


def test_equal_rows_have_the_kinds_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    find = fold_columns.find_kinds
    monkeypatch.setattr(fold_columns, "_KINDS", {})
    monkeypatch.setattr(
        fold_columns, "find_kinds", lambda rows, config: (calls.append(1), find(rows, config))[1]
    )
    for last, config in (("3", ColumnsConfig()), ("3", ColumnsConfig()), ("x", ColumnsConfig())):
        kinds = fold_columns._kinds_of([{"a": "1"}, {"a": last}], config)
        assert kinds[0].kind == ("number" if last == "3" else "category")
    assert len(calls) == 2
    dropped = fold_columns._kinds_of([{"a": "1"}, {"a": "x"}], ColumnsConfig(drop=["a"]))
    assert dropped[0].kind == "dropped"
