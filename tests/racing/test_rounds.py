"""Successive halving: how many candidates, how much time, and who stays."""

from __future__ import annotations

from operator import gt, lt

import pytest

from comp.racing.rounds import (
    LEAST,
    LEAST_S,
    USEFUL,
    affordable,
    least_budget,
    next_round,
    race_share,
    ranking,
    round_counts,
    round_shares,
    survivors,
)
from comp.runs.race import RaceRound, RoundResult

SAMPLES = (8000, 2000)


def scored(*scores: float | None) -> dict[int, RoundResult]:
    return {
        number: RoundResult(score=score, problem="" if score is not None else "too slow")
        for number, score in enumerate(scores)
    }


def first_round(*scores: float | None) -> RaceRound:
    return RaceRound(
        candidates=list(range(len(scores))),
        seconds=10.0,
        train=512,
        held_out=256,
        results=scored(*scores),
    )


@pytest.mark.parametrize(
    ("candidates", "counts"), [(2, [2]), (3, [3, 2]), (9, [9, 5, 3, 2]), (1, [1])]
)
def test_each_round_has_the_better_half(candidates: int, counts: list[int]) -> None:
    assert round_counts(candidates) == counts


def test_a_short_budget_gives_a_smaller_share_to_the_race() -> None:
    shares = [race_share(seconds) for seconds in (60.0, 900.0, 3600.0, 1e6)]
    assert shares == sorted(shares)
    assert shares[1] == pytest.approx(0.35 / 3)
    assert shares[-1] == pytest.approx(0.35, abs=0.001)


@pytest.mark.parametrize("began_s", [0.0, 100.0])
def test_the_least_budget_has_the_seconds_of_two_candidates(began_s: float) -> None:
    least = least_budget(5.0, began_s)
    assert race_share(least) * (least - began_s) == pytest.approx(10.0)


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_the_shares_of_the_rounds_grow_to_the_whole(rounds: int) -> None:
    shares = round_shares(rounds)
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares)
    assert len(set(shares)) == rounds


def test_as_many_candidates_as_have_time_in_the_first_round() -> None:
    count = affordable(50, 300.0)
    assert round_shares(len(round_counts(count)))[0] * 300.0 / count >= LEAST_S
    more = count + 1
    assert round_shares(len(round_counts(more)))[0] * 300.0 / more < LEAST_S
    assert (affordable(50, 1.0), affordable(1, 1.0), affordable(50, 1e9)) == (2, 1, 50)


def test_all_rounds_together_take_the_time_that_is_left() -> None:
    counts, spent, rounds = round_counts(9), 0.0, list[RaceRound]()
    while (
        following := next_round(rounds, counts, 300.0 - spent, 600.0, SAMPLES, 1e-3, gt)
    ) is not None:
        spent += following.seconds * len(following.candidates)
        results = {number: RoundResult(score=float(number)) for number in following.candidates}
        rounds.append(
            RaceRound(
                candidates=following.candidates,
                seconds=following.seconds,
                train=following.train,
                held_out=following.held_out,
                results=results,
            )
        )
    assert spent == pytest.approx(300.0)
    assert [list(each.candidates) for each in rounds[1:]] == [[0, 5, 6, 7, 8], [0, 7, 8], [0, 8]]
    seconds = [each.seconds for each in rounds]
    assert seconds == sorted(seconds)
    assert [each.train for each in rounds] == sorted(each.train for each in rounds)
    assert rounds[0].train + rounds[0].held_out == USEFUL
    share = 2 * rounds[-1].seconds / 600.0
    assert rounds[-1].train + rounds[-1].held_out == round(share * sum(SAMPLES))


@pytest.mark.parametrize(("image_s", "samples"), [(1e-4, USEFUL), (0.04, 250), (9.0, LEAST)])
def test_slow_images_are_fewer(image_s: float, samples: int) -> None:
    """Each of two candidates has 25 seconds."""
    following = next_round([], [2], 50.0, 6000.0, SAMPLES, image_s, gt)
    assert following is not None
    assert following.train + following.held_out == samples
    assert following.held_out == round(samples / 3)


def test_no_round_has_more_samples_than_there_are() -> None:
    following = next_round([], [2], 600.0, 600.0, (40, 10), 1e-3, gt)
    assert following is not None
    assert (following.train, following.held_out) == (40, 10)


def test_the_default_stays_until_the_last_round() -> None:
    assert survivors(scored(0.1, 0.9, 0.8, 0.7), 2, gt) == [0, 1]
    assert survivors(scored(0.1, 0.9, 0.8, 0.7), 2, lt) == [0, 3]
    assert survivors(scored(None, 0.9, 0.8, 0.7), 2, gt) == [1, 2]
    assert survivors(scored(0.95, 0.9, 0.8, 0.7), 2, gt) == [0, 1]


def test_of_equal_scores_the_first_wins() -> None:
    assert ranking(scored(0.5, 0.7, None, 0.7, 0.6), gt) == [1, 3, 4, 0]
    assert ranking(scored(0.5, 0.5), gt)[0] == 0


def test_one_that_is_left_needs_no_other_round() -> None:
    assert (
        next_round([first_round(0.5, None, None)], [3, 2], 100.0, 600.0, SAMPLES, 1e-3, gt) is None
    )
    assert next_round([first_round(0.5, 0.6, 0.7)], [3, 2], 0.0, 600.0, SAMPLES, 1e-3, gt) is None
    assert next_round([first_round(0.5, 0.6)], [2], 100.0, 600.0, SAMPLES, 1e-3, gt) is None
