"""The sentence that says whether the difference of two runs is real."""

from __future__ import annotations

import math

from comp.inference.paired import LEAST_DRAWS, LEAST_GROUPS
from comp.runs.comparison import PairedDifference


def sentence(
    metric: str, names: tuple[str, str], better: int, n: int, difference: PairedDifference
) -> str:
    """One sentence: which run is better, or noise, with the interval.

    Args:
        names: the ids of the runs.
        better: the position of the run with the better score.
        n: number of samples.
    """
    scores = f"{metric} {number(difference.first)} (A) and {number(difference.second)} (B)"
    samples = f"{n:,} samples"
    if difference.groups < n:
        samples += f" in {difference.groups:,} groups"
    if difference.differing_groups == 0:
        return f"no difference: the {samples} have the same {metric}, {number(difference.first)}"
    if difference.low is None or difference.high is None:
        reason = "nearly all samples are in one group"
        if difference.differing_groups < LEAST_GROUPS:
            reason = f"they differ in only {difference.differing_groups} groups"
        elif difference.draws < LEAST_DRAWS:
            reason = f"the metric could be scored on fewer than {LEAST_DRAWS} draws"
        return f"too little to tell the runs apart, {reason}: {scores} on {samples}"
    low, high = (signed(end, difference) for end in (difference.low, difference.high))
    interval = f"A - B is {signed(difference.value, difference)}, 95 % interval {low} to {high}"
    if difference.real:
        return f"real: {'AB'[better]} ({names[better]}) is better: {scores}; {interval}"
    return f"noise: {samples} cannot tell the runs apart: {scores}; {interval}"


def number(value: float) -> str:
    """Five decimals, or six digits of a number that is very small or large."""
    usual = value == 0 or 0.001 <= abs(value) < 100_000
    return f"{value:.5f}" if usual else f"{value:.6g}"


def signed(value: float, difference: PairedDifference) -> str:
    """A difference with its sign, and as many decimals as its interval has a meaning for."""
    width = 0.0
    if difference.low is not None and difference.high is not None:
        width = difference.high - difference.low
    scale = width or abs(difference.value)
    decimals = min(12, max(0, 2 - math.floor(math.log10(scale)))) if scale else 5
    return f"{value:+.{decimals}f}"
