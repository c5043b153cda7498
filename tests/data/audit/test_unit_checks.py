"""Units of samples that share one prediction, and numbers beside images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.audit.sample_checks import quick_checks
from comp.data.audit.unit_checks import same_target
from competitions.chest_xray import COMPETITION as CHEST


@pytest.fixture
def train(tmp_path: Path) -> list[Sample]:
    """Twelve samples of two classes; every file exists."""
    made = []
    for i in range(12):
        path = tmp_path / f"{i}.png"
        path.write_bytes(b"bytes")
        name = CHEST.task.labels[i % 2]
        made.append(Sample(id=f"s{i}", image=path, target=float(i % 2), stratum=name))
    return made


def test_a_pool_without_units_is_an_error(train: list[Sample]) -> None:
    (found,) = quick_checks(replace(CHEST, pool="mean"), train, [])
    assert (found.kind, found.severity) == ("pool-without-units", "error")


def test_features_have_the_same_names_in_the_same_order(train: list[Sample]) -> None:
    features = {"age": 1.0, "weight": 2.0}
    train = [replace(sample, features=features) for sample in train]
    assert quick_checks(CHEST, train, []) == []
    train[3] = replace(train[3], features=dict(reversed(features.items())))
    train[5] = replace(train[5], features={})
    (found,) = quick_checks(CHEST, train, [])
    assert (found.kind, found.names) == ("features", ("s3", "s5"))


def test_a_unit_has_one_target(train: list[Sample]) -> None:
    pooled = replace(CHEST, pool="mean")
    train = [replace(s, unit=f"u{i // 2}", target=float(i > 5)) for i, s in enumerate(train)]
    assert quick_checks(pooled, train, []) == []
    train[1] = replace(train[1], target=np.float32(0))  # type: ignore[arg-type]
    train[3] = replace(train[3], target=1.0)
    (different,) = quick_checks(pooled, train, [])
    assert (different.kind, different.severity) == ("unit-of-targets", "error")
    assert different.names == ("u1 (s2, s3)",)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ((1.0, 0.0), np.array([1, 0]), True),
        ((1.0, 0.0), (0.0, 1.0), False),
        (Path("a"), Path("a"), True),
        (Path("a"), 1.0, False),
        (None, 0.0, False),
        (None, None, True),
    ],
)
def test_targets_of_any_kind_are_compared(first: Any, second: Any, same: bool) -> None:
    assert same_target(first, second) is same


def test_a_unit_needs_a_way_to_pool_predictions(train: list[Sample]) -> None:
    tests = [replace(s, unit="v", target=None) for s in train[:2]]
    (alone,) = quick_checks(CHEST, [replace(train[0], unit="u")], tests)
    assert (alone.kind, alone.names) == ("unit-without-pool", ("u", "v"))
    assert quick_checks(replace(CHEST, pool="max"), [replace(train[0], unit="u")], tests) == []


def test_a_sample_that_is_named_like_a_unit_is_an_error(train: list[Sample]) -> None:
    train = [replace(train[0], unit=train[2].id), *train[1:]]
    (found,) = quick_checks(replace(CHEST, pool="max"), train, [])
    assert (found.kind, found.names) == ("unit-named-as-sample", (train[2].id,))
