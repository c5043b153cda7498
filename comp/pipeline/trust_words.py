"""What the scores of runs and of a leaderboard mean, in sentences."""

from __future__ import annotations

from comp.pipeline.compare_words import number
from comp.runs.trust import Agreement, Trust

LEAST = 5
"""Submissions from which a rank correlation means something: of 4, even the same order has
p = 0.08."""
LEVEL = 0.05
_ROUNDING = 1e-9


def verdict(found: Trust) -> list[str]:
    """The verdict, then what it rests on."""
    count = len(found.submissions)
    if count < 2:
        return [
            f"{count} scored submission{'s' * (count != 1)} of runs: it takes at least two to say "
            "how far the folds predict the leaderboard"
        ]
    return [
        _verdict(found),
        *[_agreement_words(one, found) for one in found.agreements],
        _noise_words(found),
    ]


def _verdict(found: Trust) -> str:
    known = [one for one in found.differences if one.real is not None]
    real = [one for one in known if one.real]
    against = [one for one in real if one.contradicts]
    best = _best_out_of_fold(found)
    if against:
        return (
            f"do not trust the folds alone: in {len(against)} of {len(real)} differences that are "
            f"larger than the noise, the public test says the opposite (first: {against[0].first} "
            f"over {against[0].second}); look for drift and leaks with 'comp check'"
        )
    if known and not real:
        which = "these two" if len(found.submissions) == 2 else "any of them from the best one"
        return f"the public test cannot tell {which} apart: trust the folds, which prefer {best}"
    if real:
        return (
            f"trust the folds: they agree with all {len(real)} public differences that are larger "
            f"than the noise; they prefer {best}"
        )
    return "the noise of the public test is not known: keep the folds as the guide"


def _best_out_of_fold(found: Trust) -> str:
    sign = 1 if found.direction == "min" else -1
    return min(found.submissions, key=lambda one: sign * one.oof).run_id


def _agreement_words(one: Agreement, found: Trust) -> str:
    sign = 1 if found.direction == "max" else -1
    rounding = _ROUNDING * max(abs(submission.oof) for submission in found.submissions)
    side = "better" if sign * one.mean_difference > 0 else "worse"
    offset = (
        f"OOF is {number(abs(one.mean_difference))} {side} than the {one.board} score on average"
        if abs(one.mean_difference) > rounding
        else f"OOF equals the {one.board} score on average"
    )
    spread = f" (standard deviation {number(one.spread)})" if one.spread is not None else ""
    if one.n < LEAST:
        return f"{offset}{spread}; {one.n} submissions are too few for a rank correlation"
    if one.rank_correlation is None or one.p_value is None:
        return f"{offset}{spread}; all scores are equal, so there is no rank correlation"
    rho = f"rank correlation {one.rank_correlation:.2f} of {one.n} submissions"
    sure = "" if one.p_value < LEVEL else ", which may be chance"
    return f"{offset}{spread}; {rho} (p = {one.p_value:.2g}{sure})"


def _noise_words(found: Trust) -> str:
    if found.public_samples is None or found.test_samples is None:
        return "the size of the test is not known here, so the noise of the public test is not"
    assumed = ", which is assumed: give --share" if found.share_assumed else ""
    noises = sorted(one.noise for one in found.submissions if one.noise is not None)
    middle = f"; one score on it has a standard error of {number(noises[len(noises) // 2])}"
    return (
        f"public test: {found.public_samples:,} of {found.test_samples:,} samples "
        f"({found.public_share:.0%}{assumed})" + (middle if noises else "")
    )
