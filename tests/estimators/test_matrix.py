"""The matrices of estimators."""

from __future__ import annotations

import numpy as np

from comp.config.columns import ColumnsConfig
from comp.data.columns.treatment import Treatment
from comp.estimators.matrix import make_matrix

ROWS = [{"n": float(i) if i else None, "c": "ab"[i % 2]} for i in range(40)]
TREATMENT = Treatment.fit(ROWS, ColumnsConfig())


def test_trees_get_codes_and_others_a_column_for_each_category() -> None:
    trees, linear = (make_matrix(name, TREATMENT, ROWS) for name in ("gbdt", "linear"))
    assert trees.names == ("n", "c")
    assert trees.categorical.tolist() == [False, True]
    assert np.isnan(trees.values[0, 0])
    assert linear.names == ("n", "n is a gap", "c is unknown", "c is a", "c is b")
    assert np.isfinite(linear.values).all()
    assert linear.values[:2, 2:].tolist() == [[0, 1, 0], [0, 0, 1]]


def test_embeddings_follow_the_columns_or_are_alone() -> None:
    embeddings = np.ones((40, 3), dtype=np.float32)
    both = make_matrix("knn", TREATMENT, ROWS, embeddings)
    assert both.embedded == 3
    assert both.values.shape == (40, 8)
    alone = make_matrix("gbdt", None, [{} for _ in ROWS], embeddings)
    assert alone.values.shape == (40, 3)
    assert alone.rows(np.array([0, 1])).embedded == 3
