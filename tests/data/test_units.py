"""Several samples that share one prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.groups import group_keys
from comp.data.units import pooled, unit_of, units_of

SAMPLES = [
    Sample(id="left 1", image=Path("a"), target=1.0, unit="p1"),
    Sample(id="left 2", image=Path("b"), target=0.0, unit="p2"),
    Sample(id="right 1", image=Path("c"), target=1.0, unit="p1"),
    Sample(id="alone", image=Path("d"), target=0.0),
]
VALUES = [np.float32(row) for row in ([0.2, 0.9], [0.5, 0.5], [0.6, 0.1], [1, 0])]


def test_without_a_pool_samples_and_predictions_stay_as_they_are() -> None:
    predictions = list(zip(SAMPLES, VALUES, strict=True))
    assert units_of(SAMPLES, None) is SAMPLES
    assert list(pooled(predictions, SAMPLES, None)) == predictions


def test_a_unit_has_the_target_of_its_first_sample_and_its_own_id() -> None:
    units = units_of(SAMPLES, "mean")
    assert [(unit.id, unit.target) for unit in units] == [("p1", 1), ("p2", 0), ("alone", 0)]
    assert [unit_of(sample) for sample in SAMPLES] == ["p1", "p2", "p1", "alone"]


def test_units_of_one_name_in_two_folders_are_two_predictions_in_one_fold() -> None:
    """They were pooled into one prediction with the target of the first."""
    own = Sample(id="1", unit="p1", target=1.0)
    others = [
        Sample(id=f"external-{n}/{i}", unit="p1", target=float(n % 2), train_only=True)
        for n in (1, 2)
        for i in (1, 2)
    ]
    samples = [own, *others]
    units = units_of(samples, "mean")
    assert [unit.id for unit in units] == ["p1", "external-1/p1", "external-2/p1"]
    assert [unit_of(unit) for unit in units] == [unit.id for unit in units]
    values = [np.float32([number]) for number in (0.9, 0.1, 0.3, 0.6, 0.8)]
    found = pooled(zip(samples, values, strict=True), samples, "mean")
    means = {unit.id: float(value[0]) for unit, value in found}
    assert means == pytest.approx({"p1": 0.9, "external-1/p1": 0.2, "external-2/p1": 0.7})
    assert len(set(group_keys(samples))) == 1  # they may be one patient
    folder = Sample(id="external-1/a.png", unit="p1")  # a folder of the data itself
    assert unit_of(folder) == "p1"


@pytest.mark.parametrize(("pool", "first"), [("mean", [0.4, 0.5]), ("max", [0.6, 0.9])])
def test_predictions_of_a_unit_are_pooled_in_any_order(pool: str, first: list[float]) -> None:
    pairs = list(zip(SAMPLES, VALUES, strict=True))
    for given in (pairs, pairs[::-1]):
        found = {unit.id: values for unit, values in pooled(given, SAMPLES, pool)}  # type: ignore[arg-type]
        assert found["p1"].tolist() == pytest.approx(first)
        assert found["p2"].tolist() == [0.5, 0.5]
        assert found["alone"].dtype == np.float32
        assert len(found) == 3
