"""Folds in the order of time: each fold trains only on samples that are earlier than its own."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from itertools import accumulate
from numbers import Real
from typing import Any

from comp.contract.sample import Sample
from comp.data.digit_dates import unordered_form
from comp.data.groups import NEVER
from comp.errors import FoldError

ADVICE = "give all samples numbers, or ISO dates such as 2024-05-31"


def time_folds(samples: Sequence[Sample], k: int) -> dict[str, int]:
    """The fold of each sample that is not `train_only`, by id.

    The samples are cut into k + 1 blocks in the order of time, as scikit-learn's TimeSeriesSplit
    cuts them; samples of the same time are in one block. The first block has the fold `NEVER`: it
    only trains. Block i is held out in fold i - 1.

    Raises:
        FoldError: a sample, also a `train_only` one, has no time, or times cannot be compared; a
            unit has several times; there are fewer than k + 1 times.
    """
    times = time_keys(samples)
    _check_units(samples, times)
    held_out = [(s.id, time) for s, time in zip(samples, times, strict=True) if not s.train_only]
    counts = Counter(time for _, time in held_out)
    ordered = sorted(counts)
    if k < 2:
        raise FoldError(f"folds = {k}: cross-validation needs at least 2")
    if len(ordered) <= k:
        most = len(ordered) - 1
        raise FoldError(
            f"scheme = time cuts the samples into {k + 1} blocks for {k} folds, but they have only "
            f"{len(ordered)} different times: "
            + (f"use --folds {most}" if most > 1 else "use another scheme")
        )
    starts = [ordered[cut] for cut in _cuts([counts[time] for time in ordered], k)]
    blocks = {name: bisect_right(starts, time) for name, time in held_out}
    return {name: block - 1 if block else NEVER for name, block in blocks.items()}


def _cuts(counts: Sequence[int], k: int) -> list[int]:
    """The indices of the times at which the blocks 1 to k start: the cuts nearest to those of
    blocks of equal size, so that no block is empty.

    Args:
        counts: samples of each time, in the order of time.
    """
    before = [0, *accumulate(counts)]
    cuts = [0]
    for left in range(k, 0, -1):
        start = before[-1] - left * (before[-1] // (k + 1))
        after = bisect_left(before, start)
        nearest = after - (2 * start < before[after - 1] + before[after])
        cuts.append(min(max(nearest, cuts[-1] + 1), len(counts) - left))
    return cuts[1:]


def time_keys(samples: Sequence[Sample]) -> list[Any]:
    """The times of the samples as values that can be compared: float, datetime or str.

    Text that is not an ISO date or time must be of one form, whose digits alone change, and begin
    with the year, such as 2024Q3 or 2024/05, or have one number, such as day_007 but not t-7.

    Raises:
        FoldError: a sample has no time, the times are not of one kind, or their order is not that
            of time.
    """
    values = [sample.time for sample in samples]
    missing = [sample.id for sample in samples if sample.time is None]
    if missing:
        raise FoldError(
            f"scheme = time: {len(missing)} of {len(samples)} training samples have no time, the "
            f"first is '{missing[0]}': give each a time, or use another scheme"
        )
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == len(values):
        return _text_keys(texts)
    for sample in samples:
        problem = _problem_of_number(sample.time)
        if problem:
            raise FoldError(
                f"scheme = time: the time {_shown(sample.time)} of '{sample.id}' {problem}"
            )
    if all(isinstance(value, int) for value in values):
        _check_digits([str(value) for value in values])
    return values


def _problem_of_number(value: Any) -> str:
    """What is wrong with a time that should be a number, and what to do; "" if nothing is."""
    if isinstance(value, date):
        return "is not a number or text: give time.isoformat()"
    if isinstance(value, str):
        return f"is text, but others are numbers: {ADVICE}"
    return "" if _is_number(value) else f"is not a finite number: {ADVICE}"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the largest float
        return False


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.80}"
    except ValueError:  # an int of more digits than Python writes
        return "with thousands of digits"


def _check_digits(texts: Sequence[str]) -> None:
    form = unordered_form(texts)
    if form:
        raise FoldError(
            f"scheme = time: the times such as {texts[0]} look like dates {form}, whose order as "
            "numbers is not that of time: give ISO dates such as 2024-05-31, or floats if they are "
            "not dates"
        )


def _text_keys(texts: Sequence[str]) -> list[Any]:
    """Text as datetimes, or as it is if its order is that of time."""
    dates = [_date(text) for text in texts]
    if None not in dates:
        if len({date.tzinfo is None for date in dates if date}) > 1:
            raise FoldError(f"scheme = time: some times have a time zone, some do not: {ADVICE}")
        return dates
    forms = {re.sub(r"\d", "0", text): text for text in texts}
    if len(forms) > 1:
        first, second = list(forms.values())[:2]
        raise FoldError(
            f"scheme = time: the times {first!r:.60} and {second!r:.60} are of two forms, so their "
            f"order is not known: {ADVICE}"
        )
    if not re.match(r"\d{4,}\D|\D+\d+\D*$", texts[0]) or _is_unclear(texts):
        raise FoldError(
            f"scheme = time: the order of times such as {texts[0]!r:.60} is not known: {ADVICE}"
        )
    return list(texts)


def _is_unclear(texts: Sequence[str]) -> bool:
    """Whether the order of texts of one form may not be that of time: a minus is before the only
    number, such as t-5, or the date in front is 2024.31.05 or 31122023."""
    if re.match(r"\D*[-\u2212\u2013]\s*\d+\D*$", texts[0]):
        return True
    middle = [re.match(r"\d{4}[\W_](\d\d)[\W_]\d\d(?!\d)", text) for text in texts]
    if any(found and int(found[1]) > 12 for found in middle):
        return True
    return bool(unordered_form([re.split(r"\D", text)[0] for text in texts]))


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _check_units(samples: Sequence[Sample], times: Sequence[Any]) -> None:
    """Refuse units of several times: a unit is one prediction, so it is in one block."""
    first: dict[str, tuple[Sample, Any]] = {}
    for sample, time in zip(samples, times, strict=True):
        if sample.unit is None or sample.train_only:
            continue
        other, known = first.setdefault(sample.unit, (sample, time))
        if time != known:
            raise FoldError(
                f"scheme = time: unit '{sample.unit}' has the times {other.time!r:.40} and "
                f"{sample.time!r:.40}: give all samples of a unit the same time"
            )


def earlier_than(samples: Sequence[Sample], held_out: Sequence[bool]) -> list[bool]:
    """Whether each sample is earlier than all samples that are held out.

    Raises:
        FoldError: the times cannot be compared.
    """
    times = time_keys(samples)
    start = min((t for t, out in zip(times, held_out, strict=True) if out), default=None)
    return [start is not None and time < start for time in times]


def time_note(samples: Sequence[Sample], scheme: str, folds: dict[str, int]) -> str:
    """What the user should know about the times of the training samples; "" if it is nothing.

    Args:
        scheme: the scheme that made the folds; "" if they are not made at random.
        folds: by sample id.
    """
    if scheme == "auto" and any(sample.time is not None for sample in samples):
        return (
            "the samples have times, but scheme = auto makes random folds, which may look into the "
            "future: set scheme = time if the test samples are later"
        )
    if scheme != "time":
        return ""
    count = sum(folds[s.id] == NEVER and not s.train_only for s in samples)
    return (
        f"scheme = time: each fold trains only on earlier samples, so the {count} earliest samples "
        "only train: they are in no score and have no out-of-fold prediction"
    )
