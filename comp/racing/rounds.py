"""Successive halving: many candidates with little time, then the better half with more.

K. Jamieson and A. Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
Optimization, 2016 (arXiv 1502.07943). Here a candidate trains anew in each round, so that its
schedule ends, and each round has a larger share of the time than the one before it. The default
stays until the last round, so that the winner is compared with it at full length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from comp.runs.race import RaceRound, RoundResult

MOST_SHARE = 0.35
"""Share of a long budget that the race may take; the run of the winner has the rest."""
HALF_S = 1800.0
"""Seconds of the budget at which the race takes half of this share."""
LEAST_S = 20.0
"""Seconds of a candidate in the first round, at least, unless only two are left."""
SAMPLES = 2.0
"""A candidate sees this many times the share of the samples that its seconds are of the run's."""
USEFUL, LEAST = 768, 192
"""Samples of a round: at least the first number if their images take little of its time, and the
second in any case, if there are so many."""
IMAGES_SHARE = 0.4
"""Share of the seconds that the images of the default may take."""
HELD_OUT = 1 / 3
"""Share of the samples that are scored."""
DEFAULT = 0
"""The number of the default candidate."""


def race_share(budget_s: float) -> float:
    """The share of a budget that the race takes. It grows with the budget: 0.12 of 15 minutes, 0.23
    of an hour. The run of the winner must compute the images and features of all samples in any
    case, so of a short budget it has little time to train that it can give away."""
    return MOST_SHARE * budget_s / (budget_s + HALF_S)


def least_budget(pair_s: float, began_s: float = 0.0) -> float:
    """The smallest budget that has `pair_s` seconds for each of two candidates, if the first round
    begins after `began_s` seconds: `race_share(budget) * (budget - began_s)` is twice `pair_s`."""
    linear = MOST_SHARE * began_s + 2 * pair_s
    root = math.sqrt(linear**2 + 8 * MOST_SHARE * pair_s * HALF_S)
    return (linear + root) / (2 * MOST_SHARE)


def round_counts(candidates: int) -> list[int]:
    """How many candidates each round has: 9, 5, 3, 2."""
    counts = [candidates]
    while counts[-1] > 2:
        counts.append(math.ceil(counts[-1] / 2))
    return counts


def round_shares(rounds: int) -> list[float]:
    """The share of the race's time of each round, growing: 2 : 3 : 4."""
    weights = range(2, rounds + 2)
    return [weight / sum(weights) for weight in weights]


def affordable(candidates: int, race_s: float) -> int:
    """How many candidates have time for the first round; at least 2, if there are so many."""
    for count in range(candidates, 2, -1):
        if round_shares(len(round_counts(count)))[0] * race_s / count >= LEAST_S:
            return count
    return min(candidates, 2)


def next_round(
    rounds: Sequence[RaceRound],
    counts: Sequence[int],
    left_s: float,
    full_s: float,
    samples: tuple[int, int],
    image_s: float,
    better: Callable[[float, float], bool],
) -> RaceRound | None:
    """The round after the finished ones; None if the race is decided.

    Args:
        counts: candidates of each round.
        left_s: seconds that the race has left.
        full_s: seconds of the run of the winner.
        samples: how many train and are held out.
        image_s: seconds in which the default computes the features of an image, or predicts it.
        better: whether the first score is better than the second.
    """
    index = len(rounds)
    if index == len(counts) or left_s <= 0:
        return None
    numbers = list(range(counts[0]))
    if rounds:
        numbers = survivors(rounds[-1].results, counts[index], better)
        if len(numbers) < 2:
            return None
    weights = range(index + 2, len(counts) + 2)
    seconds = left_s * weights[0] / sum(weights) / len(numbers)
    wanted = max(USEFUL, SAMPLES * seconds / full_s * sum(samples))
    count = max(LEAST, round(min(wanted, IMAGES_SHARE * seconds / max(1e-9, image_s))))
    held_out = min(samples[1], round(HELD_OUT * count))
    train = min(samples[0], count - held_out)
    return RaceRound(candidates=numbers, seconds=seconds, train=train, held_out=held_out)


def survivors(
    results: Mapping[int, RoundResult], count: int, better: Callable[[float, float], bool]
) -> list[int]:
    """The numbers of the best candidates in their order, the default among them if it has a
    score."""
    ranked = ranking(results, better)
    kept = ranked[:count]
    if DEFAULT in ranked and DEFAULT not in kept:
        kept = [*kept[:-1], DEFAULT]
    return sorted(kept)


def ranking(
    results: Mapping[int, RoundResult], better: Callable[[float, float], bool]
) -> list[int]:
    """The numbers of the candidates with a score, the best first; of equal ones the first."""
    ranked: list[int] = []
    for number in sorted(results):
        score = results[number].score
        if score is None:
            continue
        place = 0
        while place < len(ranked):
            other = results[ranked[place]].score
            if other is not None and better(score, other):
                break
            place += 1
        ranked.insert(place, number)
    return ranked
