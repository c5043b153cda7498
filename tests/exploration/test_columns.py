"""Columns of a table: gaps, kinds, and what they say about the target."""

from __future__ import annotations

import numpy as np
from toys import toy

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Cell, Sample
from comp.exploration.columns import describe_columns, summary_of, target_numbers
from comp.exploration.subjects import Subjects
from comp.tasks.regression import regression

N = 100


def subjects(classes: bool) -> Subjects:
    """Rows in which `grows` follows the target, `falls` goes against it, and `noise` does not."""
    noise = np.random.default_rng(0).permutation(N).tolist()
    samples = []
    for row in range(N):
        cells: dict[str, Cell] = {
            "grows": float(row**3),
            "falls": None if row < 10 else -float(row),
            "noise": float(noise[row]),
            "side": "left" if row < N / 2 else "right",
            "same": 1.0,
        }
        target = float(row // 40) if classes else float(row)
        samples.append(Sample(id=str(row), target=target, features=cells))
    more = [Sample(id=f"t{row}", features=samples[0].features) for row in range(4)]
    competition = toy(classes=("a", "b", "c")) if classes else toy(regression(("price",)))
    return Subjects(
        competition=competition,
        samples=[*samples, *more],
        splits=["train"] * N + ["test"] * 4,
        classes=[("abc"[row // 40],) if classes else () for row in range(N)] + [()] * 4,
    )


def test_gaps_kinds_and_correlations() -> None:
    found = describe_columns(subjects(classes=False), ColumnsConfig())
    assert (found.rows, found.target) == (N, "price")
    looks = {column.name: column for column in found.columns}
    assert looks["grows"].association == 1.0
    assert looks["falls"].association == -1.0
    assert abs(looks["noise"].association or 0) < 0.3
    assert looks["side"].how == "share explained"
    assert 0.7 < (looks["side"].association or 0) < 0.8
    assert (looks["falls"].gaps, looks["falls"].gaps_test) == (0.1, 1.0)
    assert looks["side"].categories == {"left": 50, "right": 50}
    assert (looks["same"].kind, looks["same"].association) == ("constant", None)
    assert looks["grows"].summary is not None
    assert looks["grows"].summary.high == 970299.0
    assert set(looks["grows"].histogram.shares if looks["grows"].histogram else {}) == {
        "train",
        "test",
    }


def test_with_classes_a_number_says_how_much_they_explain() -> None:
    found = describe_columns(subjects(classes=True), ColumnsConfig())
    looks = {column.name: column for column in found.columns}
    assert looks["grows"].how == "share explained"
    assert 0.5 < (looks["grows"].association or 0) < 0.95
    assert (looks["noise"].association or 0) < 0.1


def test_targets_that_are_one_number() -> None:
    assert target_numbers(subjects(classes=False)) is not None
    assert summary_of(np.array([np.nan])) is None
