"""Importances of columns: a model that is not a network reads the cells of a table once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.columns.features import Features
from comp.data.columns.matrices import Matrix
from comp.estimators.importances import ShuffledRows
from comp.pipeline.column_importances import _on_rows
from comp.pipeline.fold_columns import FoldColumns
from comp.pipeline.members import EstimatorPredictor
from comp.tasks.regression import regression

RNG = np.random.default_rng(0)
SAMPLES = [
    Sample(id=f"{i}", target=1.0, features={"a": float(RNG.random()), "b": "xyz"[i % 3], "c": i})
    for i in range(30)
]


class Sum:
    """Predicts the sum of a row of numbers and codes, each weighted by its place."""

    def predict(self, matrix: Matrix) -> np.ndarray:
        weights = np.arange(1, matrix.values.shape[1] + 1)
        return np.nan_to_num(matrix.values) @ weights[:, None]


@pytest.mark.parametrize("model", ["gbdt", "linear"])
def test_shuffled_columns_are_predicted_as_shuffled_samples(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    config = resolve("toy", [{"model": [model], "columns": {"rare": 1}}])
    fake: Any = Sum()
    predictor = EstimatorPredictor(
        competition=toy(regression(), columns=True),
        config=config,
        estimator=fake,
        columns=FoldColumns.fit(config, SAMPLES, SAMPLES),
        make_images=lambda: pytest.fail("a table has no images"),
    )
    rows, order = [sample.features for sample in SAMPLES], RNG.permutation(30)
    expected = {}
    for column in ("a", "b", "c"):
        cells = [rows[i][column] for i in order]
        changed = [
            replace(sample, features={**sample.features, column: cell})
            for sample, cell in zip(SAMPLES, cells, strict=True)
        ]
        expected[column] = np.stack([values for _, values in predictor(changed)])
    real, reads = Features.read, []

    def read(features: Features, given: Any) -> Any:
        reads.append(len(given))
        return real(features, given)

    monkeypatch.setattr(Features, "read", read)
    on_rows = _on_rows(predictor, SAMPLES)
    plain = on_rows(rows)
    for column, predictions in expected.items():
        found = on_rows(ShuffledRows(rows, column, order))
        np.testing.assert_array_equal(found, predictions)
        assert not np.array_equal(found, plain)
    assert reads == [30]
