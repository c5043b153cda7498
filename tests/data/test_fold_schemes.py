"""How samples are assigned to folds, for each kind of target."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from comp.contract.sample import Sample, Target
from comp.data.fold_candidates import (
    Candidates,
    counts_in_folds,
    members_of,
    single_class_folds,
)
from comp.data.fold_schemes import SmallClassError, assign
from comp.errors import FoldError


def sample(number: int, target: Target = None, **fields: str | None) -> Sample:
    return Sample(id=f"s{number}", image=Path("x.png"), target=target, **fields)  # type: ignore[arg-type]


def letters(target: Target) -> tuple[str, ...]:
    values = np.asarray(target).ravel()
    return tuple("abcdefgh"[i] for i in np.flatnonzero(values))


def of(samples: list[Sample]) -> Candidates:
    return Candidates.of(samples, lambda _target: (), "group")


def check_whole(candidates: Candidates, folds: list[int], k: int) -> None:
    """Every fold holds something out, and no group is split."""
    assert set(folds) == set(range(k))
    assert len(folds) == len(candidates.samples)
    for key in set(candidates.keys):
        own = {f for f, other in zip(folds, candidates.keys, strict=True) if other == key}
        assert len(own) == 1


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
@pytest.mark.parametrize(
    ("splitter", "grouped", "stratified"),
    [
        (KFold, False, False),
        (StratifiedKFold, False, True),
        (GroupKFold, True, False),
        (StratifiedGroupKFold, True, True),
    ],
)
def test_folds_are_those_of_scikit_learn_if_they_contain_all_classes(
    splitter: type, grouped: bool, stratified: bool, seed: int
) -> None:
    samples = [
        sample(
            i,
            group=f"g{i // 3}" if grouped else None,
            stratum="abc"[i // 3 % 3] if stratified else None,
        )
        for i in range(90)
    ]
    strata = [s.stratum for s in samples] if stratified else None
    groups = [f"group {s.group}" for s in samples] if grouped else None
    expected = [-1] * 90
    parts = splitter(5, shuffle=True, random_state=seed).split(np.zeros(90), strata, groups)
    for fold, (_, held_out) in enumerate(parts):
        for index in held_out:
            expected[index] = fold

    assert assign(of(samples), 5, "auto", seed) == expected


def mixed(seed: int) -> list[Sample]:
    """Groups of very different sizes and shares of two classes, which both have enough groups."""
    generator = random.Random(seed)
    samples: list[Sample] = []
    for group in range(generator.randint(10, 30)):
        size = min(200, int(generator.paretovariate(0.8)))
        share = generator.choice([0.02, 0.05, 0.2, 0.5, 0.9])
        for _ in range(size):
            stratum = "pos" if generator.random() < share else "neg"
            samples.append(sample(len(samples), group=f"g{group}", stratum=stratum))
    return samples


MIXED = [
    seed
    for seed in range(80)
    if min(map(len, members_of(of(mixed(seed))).values())) >= 5
    and len(members_of(of(mixed(seed)))) == 2
]


def first_draw(candidates: Candidates, k: int, seed: int) -> list[int]:
    folds = [-1] * len(candidates.samples)
    strata = [names[0] for names in candidates.names]
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(strata, strata, candidates.keys)):
        for index in held_out:
            folds[index] = fold
    return folds


def test_skewed_groups_leave_no_fold_with_one_class() -> None:
    mended = 0
    for seed in MIXED:
        candidates = of(mixed(seed))
        folds = assign(candidates, 5, "auto", seed)
        check_whole(candidates, folds, 5)
        assert not single_class_folds(candidates, folds)
        first = first_draw(candidates, 5, seed)
        if single_class_folds(candidates, first) or len(set(first)) < 5:
            mended += 1
            assert folds == assign(candidates, 5, "auto", seed)
        elif not any(0 in row for row in counts_in_folds(candidates, first, 5).values()):
            assert folds == first
    assert len(MIXED) > 20
    assert mended


def test_two_classes_of_which_one_is_in_too_few_groups_are_refused_before_training() -> None:
    samples = [sample(i, group="big", stratum="a") for i in range(40)]
    samples += [sample(100 + i, group=f"g{i}", stratum="ab"[i % 2]) for i in range(4)]
    with pytest.raises(FoldError, match=r"fold \d of 3 would hold out only class 'a'") as caught:
        assign(of(samples), 3, "auto", 0)
    (advised,) = re.findall(r"--folds (\d)", str(caught.value))
    assert not single_class_folds(of(samples), assign(of(samples), int(advised), "auto", 0))
    assert assign(of(samples), 3, "grouped", 0)


@given(
    strata=st.lists(st.sampled_from("aabbccdefghij"), min_size=12, max_size=60),
    groups=st.lists(st.integers(0, 15), min_size=60, max_size=60),
    k=st.integers(2, 5),
    grouped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_any_classes_and_groups_are_split_whole_or_refused(
    strata: list[str], groups: list[int], k: int, grouped: bool, seed: int
) -> None:
    samples = [
        sample(i, stratum=stratum, group=f"g{group}" if grouped else None)
        for i, (stratum, group) in enumerate(zip(strata, groups, strict=False))
    ]
    candidates = of(samples)
    try:
        folds = assign(candidates, k, "auto", seed)
    except FoldError as error:
        refused = str(error)
    else:
        refused = ""
    assert not refused or "would hold out only" in refused or "there are only" in refused
    if refused:
        return
    check_whole(candidates, folds, k)
    assert folds == assign(candidates, k, "auto", seed)


def test_small_classes_are_spread_while_large_ones_stay_balanced() -> None:
    strata = ["large"] * 50 + ["other"] * 30 + ["three"] * 3 + ["one"]
    candidates = of([sample(i, stratum=name) for i, name in enumerate(strata)])
    folds = assign(candidates, 5, "auto", 0)
    counts = counts_in_folds(candidates, folds, 5)
    assert counts["large"] == [10] * 5
    assert counts["other"] == [6] * 5
    assert sorted(counts["three"]) == [0, 0, 1, 1, 1]
    with pytest.raises(SmallClassError, match="but class 'one' has only 1 samples"):
        assign(candidates, 5, "stratified", 0)


@pytest.mark.parametrize("per_class", [1, 2, 3])
def test_classes_that_are_all_small_are_spread(per_class: int) -> None:
    for grouped in (False, True):
        samples = [
            sample(i, stratum=f"c{i % 60}", group=f"g{i}" if grouped else None)
            for i in range(60 * per_class)
        ]
        candidates = of(samples)
        folds = assign(candidates, 5, "auto", 0)
        check_whole(candidates, folds, 5)
        assert max(max(row) for row in counts_in_folds(candidates, folds, 5).values()) == 1


def test_members_of_a_small_class_in_groups_are_in_different_folds() -> None:
    samples = [sample(i, group=f"g{i // 2}", stratum="ab"[i // 2 % 2]) for i in range(80)]
    samples += [sample(100 + i, group=f"h{i}", stratum="rare") for i in range(3)]
    candidates = of(samples)
    for seed in range(10):
        counts = counts_in_folds(candidates, assign(candidates, 5, "auto", seed), 5)
        assert sorted(counts["rare"]) == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_several_labels_are_balanced_label_by_label(grouped: bool, seed: int) -> None:
    generator = np.random.default_rng(seed)
    group = generator.integers(0, 150, 600)
    shares = np.array([0.5, 0.2, 0.1, 0.05])
    rows = generator.random((600, 4)) < shares
    samples = [
        sample(i, tuple(map(float, row)), group=f"g{group[i]}" if grouped else None)
        for i, row in enumerate(rows)
    ]
    candidates = Candidates.of(samples, letters, "group")
    folds = assign(candidates, 5, "auto", seed)
    check_whole(candidates, folds, 5)
    assert folds == assign(candidates, 5, "stratified-grouped" if grouped else "stratified", seed)
    for name, row in counts_in_folds(candidates, folds, 5).items():
        mean = sum(row) / 5
        assert max(row) - min(row) <= (6 if grouped else 3), (name, row)
        assert min(row) > 0.7 * mean
    chance = assign(candidates, 5, "grouped" if grouped else "plain", seed)
    spreads = [
        sum(max(row) - min(row) for row in counts_in_folds(candidates, each, 5).values())
        for each in (folds, chance)
    ]
    assert spreads[0] < spreads[1]


@pytest.mark.parametrize("grouped", [False, True])
def test_numbers_are_balanced_by_quantiles(grouped: bool) -> None:
    values = np.random.default_rng(0).gamma(1, 10, 400)
    samples = [
        sample(i, value, group=f"g{i // 2}" if grouped else None) for i, value in enumerate(values)
    ]
    candidates = of(samples)
    folds = assign(candidates, 5, "auto", 0)
    check_whole(candidates, folds, 5)
    assert folds == assign(candidates, 5, "quantiles", 0)
    means = [values[np.array(folds) == fold].mean() for fold in range(5)]
    assert max(means) / min(means) < 1.25
    top = counts_in_folds(candidates.in_bins(candidates.bins(5, 5)), folds, 5)
    assert all(max(row) - min(row) <= (3 if grouped else 1) for row in top.values())


def test_few_numbers_are_plain_unless_quantiles_are_asked_for() -> None:
    candidates = of([sample(i, float(i)) for i in range(40)])
    assert assign(candidates, 5, "auto", 0) == assign(candidates, 5, "plain", 0)
    folds = assign(candidates, 5, "quantiles", 0)
    assert all(sum(f == fold for f in folds[:20]) == 4 for fold in range(5))
    with pytest.raises(FoldError, match="needs 10 samples or groups for 5 folds, found 9"):
        assign(of([sample(i, float(i)) for i in range(9)]), 5, "quantiles", 0)


def test_quantiles_of_what_is_no_number_are_refused() -> None:
    with pytest.raises(FoldError, match="the targets of these samples are not numbers"):
        assign(of([sample(i, stratum="ab"[i % 2]) for i in range(40)]), 5, "quantiles", 0)


def test_targets_that_are_numpy_numbers_give_the_same_folds() -> None:
    def numbers(kind: type) -> list[int]:
        return assign(of([sample(i, kind(i % 7)) for i in range(70)]), 5, "auto", 0)

    assert numbers(int) == numbers(float) == numbers(np.int64) == numbers(np.float32)


def test_units_are_never_split_and_count_once() -> None:
    samples = [sample(i, unit=f"u{i // 4}", stratum="ab"[i // 4 % 2]) for i in range(80)]
    candidates = of(samples)
    folds = assign(candidates, 5, "auto", 0)
    check_whole(candidates, folds, 5)
    assert all(row == [8] * 5 for row in counts_in_folds(candidates, folds, 5).values())
    with pytest.raises(FoldError, match="scheme = plain would leak"):
        assign(candidates, 5, "plain", 0)
    with pytest.raises(FoldError, match="there are only 20 groups"):
        assign(candidates, 21, "grouped", 0)
