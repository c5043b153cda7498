"""The samples that folds hold out, and the classes that are known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.sample import Sample, Target
from comp.data.fold_candidates import (
    Candidates,
    counts_in_folds,
    members_of,
    names_of,
    single_class_folds,
    small_classes,
)


def of(*targets: Any, groups: str = "", strata: str = "", names: Any = None) -> Candidates:
    samples = [
        Sample(
            id=f"s{i}",
            image=Path("x.png"),
            target=target,
            group=groups[i] if groups else None,
            stratum=strata[i] if strata else None,
        )
        for i, target in enumerate(targets)
    ]
    return Candidates.of(samples, names or (lambda _target: ()), "group")


def letters(target: Target) -> tuple[str, ...]:
    return tuple("abc"[i] for i, value in enumerate(np.asarray(target).ravel()) if value)


def test_a_stratum_comes_before_the_labels_of_the_target() -> None:
    sample = Sample(id="s", image=Path("x.png"), target=(1, 0, 1))
    assert names_of(sample, letters) == ("a", "c")
    assert names_of(Sample(id="s", image=Path("x.png"), target=1, stratum="x"), letters) == ("x",)
    assert names_of(Sample(id="s", image=Path("x.png")), letters) == ()


@pytest.mark.parametrize(
    ("candidates", "kind"),
    [
        (of(None, None), "none"),
        (of(Path("a.png"), Path("b.png")), "none"),
        (of(1.0, float("nan")), "none"),
        (of(1.0, None), "none"),
        (of(1.0, 2), "numbers"),
        (of(np.float32(1), np.int64(2), True), "numbers"),
        (of((1.0, 2.0), np.array([1, 2])), "numbers"),
        (of(None, None, strata="ab"), "classes"),
        (of((1, 0, 0), (0, 1, 0), names=letters), "classes"),
        (of((0, 0, 0), (0, 1, 0), names=letters), "classes"),
        (of((0, 0, 0), (1, 1, 0), names=letters), "labels"),
        (of((0, 0, 0), (0, 0, 0), names=letters), "numbers"),
    ],
)
def test_the_kind_of_targets_is_found(candidates: Candidates, kind: str) -> None:
    assert candidates.kind == kind


def test_a_group_is_one_member_of_each_of_its_classes() -> None:
    candidates = of(*[None] * 5, groups="ggghi", strata="xxyyy")
    assert {name: len(keys) for name, keys in members_of(candidates).items()} == {"x": 1, "y": 3}
    assert small_classes(candidates, 3) == [("x", 1)]


def test_classes_are_counted_in_folds() -> None:
    candidates = of((1, 1, 0), (1, 0, 0), (0, 0, 0), names=letters)
    assert counts_in_folds(candidates, [0, 1, 1], 2) == {"a": [1, 1], "b": [1, 0]}


def test_folds_of_one_class_are_found() -> None:
    candidates = of(*[None] * 6, strata="xxyxyy")
    assert single_class_folds(candidates, [0, 0, 1, 1, 2, 2]) == {0: "x", 2: "y"}
    assert single_class_folds(of(None, None, strata="xx"), [0, 1]) == {}
    assert single_class_folds(of(1.0, 2.0), [0, 1]) == {}


def test_numbers_are_put_into_bins_if_there_are_enough() -> None:
    candidates = of(*range(50))
    assert candidates.bins(5, 5) == 2
    assert of(*range(49)).bins(5, 5) == 0
    assert candidates.in_bins(2).names == [("bin 0",)] * 25 + [("bin 1",)] * 25
