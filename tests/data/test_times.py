"""Folds in the order of time: nothing trains on what comes later."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.folds import NEVER, folds_of, make_folds, read_folds, split, write_folds
from comp.data.times import time_keys, time_note
from comp.errors import FoldError
from competitions.chest_xray import COMPETITION as CHEST


def sample(number: int, time: Any, **fields: Any) -> Sample:
    return Sample(id=f"s{number}", image=Path("x.png"), time=time, **fields)


def timed(*times: Any) -> list[Sample]:
    return [sample(i, time) for i, time in enumerate(times)]


@pytest.mark.parametrize(("count", "k"), [(6, 5), (7, 2), (13, 3), (29, 4), (100, 5)])
def test_folds_of_different_times_are_those_of_scikit_learn(count: int, k: int) -> None:
    times = np.random.default_rng(count).permutation(count)
    samples, order = timed(*times.tolist()), np.argsort(times)
    folds = make_folds(samples, k, "time", 0)
    for fold, (earlier, later) in enumerate(TimeSeriesSplit(k).split(order)):
        train, held_out = split(samples, folds, fold, "time")
        assert {s.id for s in train} == {f"s{i}" for i in order[earlier]}
        assert {s.id for s in held_out} == {f"s{i}" for i in order[later]}


@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from(["", "a", "b", "c"]), st.booleans()),
        min_size=12,
        max_size=40,
    ),
    k=st.integers(2, 4),
)
@settings(max_examples=80, deadline=None)
def test_a_fold_never_trains_on_a_later_or_the_same_time_or_on_its_groups(drawn, k: int) -> None:
    samples = [
        sample(i, time, group=group or None, train_only=only)
        for i, (time, group, only) in enumerate(drawn)
    ]
    if len({s.time for s in samples if not s.train_only}) <= k:
        return
    folds = make_folds(samples, k, "time", 0)
    assert set(folds.values()) == set(range(NEVER, k))
    assert all(folds[s.id] == NEVER for s in samples if s.train_only)
    for fold in range(k):
        train, held_out = split(samples, folds, fold, "time")
        start = min(s.time for s in held_out)  # type: ignore[type-var]
        groups = {s.group for s in held_out} - {None}
        assert all(s.time < start and s.group not in groups for s in train)  # type: ignore[operator]
        left = [s for s in samples if s.time < start and s.group not in groups]  # type: ignore[operator]
        assert train == left


def test_samples_of_one_time_are_in_one_block() -> None:
    samples = timed(*[0] * 3, *[1] * 9, *[2] * 3, *[3] * 3)
    folds = make_folds(samples, 2, "time", 0)
    assert Counter((s.time, folds[s.id]) for s in samples) == {
        (0, NEVER): 3,
        (1, 0): 9,
        (2, 1): 3,
        (3, 1): 3,
    }


def test_the_seed_changes_nothing_and_the_file_keeps_the_first_block(tmp_path: Path) -> None:
    samples = timed(*range(9))
    folds = make_folds(samples, 2, "time", 0)
    assert folds == make_folds(samples, 2, "time", 7)
    write_folds(tmp_path / "folds.csv", samples, folds)
    assert read_folds(tmp_path / "folds.csv") == folds
    assert list(folds.values()) == [NEVER] * 3 + [0] * 3 + [1] * 3


@pytest.mark.parametrize(
    "times",
    [
        (3.5, 10, 20),
        ("2024-05-31", "2024-06-01T08:00", "2024-06-01T09:30:00"),
        ("2024-05-31T23:00+00:00", "2024-06-01T01:30+02:00", "2024-06-01T00:30Z"),
        ("2023Q4", "2024Q1", "2024Q3"),
        ("2023/12/31", "2024/01/30", "2024/02/01"),
        ("day_009", "day_010", "day_101"),
        ("2024w19d02", "2024w31d05", "2024w31d06"),
        ("20231231_1000", "20240101_0900", "20240101_1000"),
        (20231120, 20240105, 20240206),
        (11112023.0, 12112023.0, 13102023.0),
        (110190.0, 110200.0, 110233.0),
    ],
)
def test_times_are_compared_as_times(times: tuple[Any, ...]) -> None:
    keys = time_keys(timed(*times))
    assert keys == sorted(keys)
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ((1, None, 3), "1 of 3 training samples have no time, the first is 's1'"),
        ((1, "2024-01-01", 3), "'2024-01-01' of 's1' is text, but others are numbers"),
        ((1, float("nan"), 3), "nan of 's1' is not a finite number"),
        ((1, True, 3), "True of 's1' is not a finite number"),
        (("2024-01-01", "2024-01-01T00:00Z"), "some times have a time zone, some do not"),
        (("day_9", "day_10"), "'day_9' and 'day_10' are of two forms"),
        (("31.12.2023", "01.01.2024"), "order of times such as '31.12.2023' is not known"),
        (("Q3 2023", "Q1 2024"), "order of times such as 'Q3 2023' is not known"),
        (("31122023", "31012024"), "order of times such as '31122023' is not known"),
        (("31122023 10:00", "31012024 10:00"), "such as '31122023 10:00' is not known"),
        (("2024.02.05", "2024.31.05"), "order of times such as '2024.02.05' is not known"),
        (("2024-02-05", "2024-31-05"), "order of times such as '2024-02-05' is not known"),
        (("t-5", "t-3"), "order of times such as 't-5' is not known"),
        (("-5 days", "-3 days"), "order of times such as '-5 days' is not known"),
        ((20112023, 5012024), "such as 20112023 look like dates DDMMYYYY, .* or floats if"),
        ((1, 10**400), "the time 10{79} of 's1' is not a finite number"),
        ((1, 10**5000), "the time with thousands of digits of 's1' is not a finite number"),
        ((1, datetime(2024, 5, 31)), r"31, 0, 0\) of 's1' is not a number or text: give time.iso"),
        ((date(2024, 5, 31), "2024-05-31"), "of 's0' is not a number or text: give time.iso"),
    ],
)
def test_times_whose_order_is_not_known_are_refused(times: tuple[Any, ...], words: str) -> None:
    with pytest.raises(FoldError, match=words):
        make_folds(timed(*times), 2, "time", 0)


def test_too_few_times_are_refused_with_folds_that_work() -> None:
    samples = timed(1, 1, 2, 2, 3, 3)
    with pytest.raises(FoldError, match=r"4 blocks for 3 folds.* only 3 .*: use --folds 2"):
        make_folds(samples, 3, "time", 0)
    assert set(make_folds(samples, 2, "time", 0).values()) == {NEVER, 0, 1}
    with pytest.raises(FoldError, match="only 2 different times: use another scheme"):
        make_folds(samples[:4], 2, "time", 0)


def test_a_unit_of_two_times_is_refused() -> None:
    samples = [sample(0, 1, unit="u"), sample(1, 2, unit="u")]
    samples += [sample(i, i) for i in range(3, 6)]
    with pytest.raises(FoldError, match="unit 'u' has the times 1 and 2"):
        make_folds(samples, 2, "time", 0)


def test_a_sample_that_only_trains_needs_a_time() -> None:
    extra = Sample(id="extra", image=Path("x.png"), train_only=True)
    with pytest.raises(FoldError, match=r"1 of 7 training samples have no time.* 'extra'"):
        make_folds([*timed(*range(6)), extra], 2, "time", 0)


def test_other_folds_are_not_mixed_with_those_of_time(tmp_path: Path) -> None:
    samples = timed(*range(6))
    own = [replace(s, fold=i % 2) for i, s in enumerate(samples)]
    with pytest.raises(FoldError, match="scheme = time, but the samples have folds of their own"):
        make_folds(own, 2, "time", 0)
    given_folds = {"scheme": "time", "folds": 2, "folds_csv": tmp_path / "folds.csv"}
    with pytest.raises(FoldError, match="scheme = time makes its own folds: leave out folds_csv"):
        folds_of(resolve("chest-xray", [given_folds], CHEST.options), CHEST, samples)


def test_one_note_tells_of_the_first_block_or_of_times_that_are_not_used() -> None:
    samples = timed(*range(9))
    folds = make_folds(samples, 2, "time", 0)
    assert "so the 3 earliest samples only train" in time_note(samples, "time", folds)
    assert "set scheme = time" in time_note(samples, "auto", folds)
    assert time_note(samples, "plain", folds) == ""
    assert time_note([replace(s, time=None) for s in samples], "auto", folds) == ""
