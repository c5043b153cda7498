"""Treated columns as batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Item, Sample
from comp.data.columns.reader import CATEGORIES, NUMBERS, ColumnReader, RowSet
from comp.data.columns.treatment import Treatment
from comp.data.dataset import LOSS_WEIGHT

SAMPLES = [
    Sample(id=str(i), target=float(i), features={"size": f"{i * i}", "kind": "ab"[i % 2]})
    for i in range(20)
]
GAP = Sample(id="gap", target=1.0, features={"size": float("nan"), "kind": None})


def reader(**fields: Any) -> ColumnReader:
    treatment = Treatment.fit([sample.features for sample in SAMPLES], ColumnsConfig())
    return ColumnReader(treatment, **fields)


def test_one_row_is_read_as_in_a_batch() -> None:
    found = reader(samples=SAMPLES)
    batch = found.batch([*SAMPLES, GAP])
    for index, sample in enumerate([*SAMPLES, GAP]):
        item = found(sample)
        np.testing.assert_array_equal(item[NUMBERS], batch[NUMBERS][index])
        np.testing.assert_array_equal(item[CATEGORIES], batch[CATEGORIES][index])
        np.testing.assert_array_equal(item["target"], np.float32([sample.target]))
    assert batch[CATEGORIES][:3, 0].tolist() == [1, 2, 1]
    assert batch[CATEGORIES][-1, 0] == 0


def image_of(sample: Sample) -> Item:
    return {"image": np.zeros((2, 2, 3), np.uint8), "features": np.zeros(1, np.float32)}


def test_columns_stand_beside_the_image_instead_of_the_features() -> None:
    item = reader(images=image_of)(SAMPLES[0])
    assert set(item) == {"image", NUMBERS, CATEGORIES}


def test_a_batch_of_rows_is_read_at_once() -> None:
    weights = [1.0] * 19 + [3.0]
    rows = RowSet(SAMPLES, reader(), lambda target: target * 2, (NUMBERS, CATEGORIES), weights)
    batch = rows.__getitems__([(19, 5), (0, 6)])
    assert list(batch) == [NUMBERS, CATEGORIES, "target", LOSS_WEIGHT]
    assert batch["target"].tolist() == [[38.0], [0.0]]
    assert batch[LOSS_WEIGHT].tolist() == [3.0, 1.0]
    assert batch[CATEGORIES].dtype == torch.int64
    for name, values in rows[19, 0].items():
        assert torch.equal(values, batch[name][0])


def test_who_changes_an_item_does_not_change_the_next_one() -> None:
    found = reader(samples=SAMPLES)
    for _ in range(2):
        item = found(SAMPLES[3])
        assert item[NUMBERS].any()
        assert item[CATEGORIES].any()
        item[NUMBERS][:] = 0
        item[CATEGORIES][:] = 0
