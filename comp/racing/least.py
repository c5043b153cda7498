"""Whether a budget is long enough for two candidates and a run."""

from __future__ import annotations

from comp.config.durations import duration_key
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.racing.rounds import LEAST, least_budget, race_share

LEAST_PAIR_S = 5.0
"""Seconds of each of two candidates, at least: in fewer a network is built and measured, but makes
hardly a step."""
PREPARE_SHARE = 0.75
"""Images and features that would take more than this share of the seconds leave too few steps."""
LONGER = 1.05
"""Budgets that are tried differ by this factor."""


class TooShortError(ConfigError):
    """The budget is too short for a race."""


def check_budget(config: RunConfig) -> None:
    """Check a budget before any data is read.

    Raises:
        TooShortError: two candidates would have too few seconds.
    """
    budget = config.budget or 0.0
    seconds, least = race_share(budget) * budget / 2, least_budget(LEAST_PAIR_S)
    if seconds < LEAST_PAIR_S:
        raise TooShortError(
            f"budget = {duration_key(budget)} has {seconds:.1f} s for each of two candidates, and "
            f"they need {LEAST_PAIR_S:.0f} s, because most of it is for the run: give --budget "
            f"{duration_key(least)} or more, or start 'comp run {config.competition}'"
        )


def check_measured(
    config: RunConfig, began_s: float, image_s: float, samples: int, images: int
) -> None:
    """Check a budget when the pace of the default is known.

    Args:
        began_s: seconds before the first round.
        image_s: seconds in which the default computes the features of an image, or predicts it.
        samples: of fold 0.
        images: of the run.

    Raises:
        TooShortError: two candidates cannot compute their features, or the run cannot.
    """
    budget = config.budget or 0.0
    pair_s = max(LEAST_PAIR_S, min(LEAST, samples) * image_s / PREPARE_SHARE)
    run_s = images * image_s
    share = race_share(budget)
    left = budget - began_s
    if share * left / 2 >= pair_s and (1 - share) * left >= run_s:
        return
    least = max(budget, least_budget(pair_s, began_s))
    while (1 - race_share(least)) * (least - began_s) < run_s:
        least *= LONGER
    raise TooShortError(
        f"budget = {duration_key(budget)} is too short: {began_s:.0f} s have passed, each of two "
        f"candidates needs {pair_s:.0f} s, and the run {run_s:.0f} s for its {images:,} images: "
        f"give --budget {duration_key(least)} or more"
    )
