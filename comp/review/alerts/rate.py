"""The learning rate is at an edge, or surely wrong."""

from __future__ import annotations

import math
from typing import Any

from comp.page.words import say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import change, command
from comp.review.evidence.baseline import baseline
from comp.review.evidence.rate import (
    FACTOR,
    broke_down,
    loss_rises,
    loss_stands,
    range_test,
    study_edge,
)
from comp.review.facts import RunFacts

LOWEST, HIGHEST = 1e-7, 1.0
"""The ends of a range test, as `comp.training.range_test` has them."""


def _look(facts: RunFacts) -> Finding | None:
    return _too_high(facts) or _too_low(facts) or _of_range_test(facts) or _of_study(facts)


def too_low(facts: RunFacts) -> tuple[float, float] | None:
    """The training losses of the first and the last validation, if the loss stands still and the
    run is no better than a baseline; else None."""
    found = loss_stands(facts)
    if found is None or math.isnan(_rate(facts)):
        return None
    base = baseline(facts)
    return found if base and (base.is_better or base.is_equal) else None


def _too_low(facts: RunFacts) -> Finding | None:
    found = too_low(facts)
    if found is None:
        return None
    return Finding(
        text=say(
            "With the learning rate {rate:g} the training loss stood still, {first} at the start "
            "and {last} at the end, and the run is no better than a simple baseline.",
            rate=_rate(facts),
            first=number(found[0]),
            last=number(found[1]),
        ),
        remedy=say("Search for a rate at which the loss falls."),
        command=command(facts, "lr-find", facts.competition.name),
    )


def _too_high(facts: RunFacts) -> Finding | None:
    risen, rate = loss_rises(facts), _rate(facts)
    lower = say("Train with a tenth of the rate.")
    if math.isnan(rate):
        return None
    what = change(facts, f"optim.lr={rate / FACTOR:g}")
    if broke_down(facts):
        text = say("With the learning rate {rate:g} the loss grew without bound.", rate=rate)
        return Finding(text=text, remedy=lower, command=what, tone="bad")
    if risen is None:
        return None
    text = say(
        "With the learning rate {rate:g} the training loss rose, from {first} to {last}.",
        rate=rate,
        first=number(risen[0]),
        last=number(risen[1]),
    )
    return Finding(text=text, remedy=lower, command=what, tone="bad")


def _of_range_test(facts: RunFacts) -> Finding | None:
    found: Any = range_test(facts)
    look = command(facts, "lr-find", facts.competition.name)
    if found and found.get("fell") is False:
        return Finding(
            text=say(
                "The loss did not clearly fall at any rate of the range test ({steps} steps), so "
                "the rate {rate:g} is only the usual one.",
                steps=int(found.get("steps") or 0),
                rate=_rate(facts),
            ),
            remedy=say("Make a longer range test."),
            command=f"{look} --steps 300",
        )
    lowest = found.get("rate_of_lowest_loss")
    if not isinstance(lowest, int | float) or LOWEST * 2 < lowest < HIGHEST / 2:
        return None
    return Finding(
        text=say(
            "The loss of the range test was lowest at {rate:g}, at the end of its range, so it "
            "does not show the best rate.",
            rate=float(lowest),
        ),
        remedy=say("Make a longer range test."),
        command=f"{look} --steps 300",
    )


def _of_study(facts: RunFacts) -> Finding | None:
    found = study_edge(facts)
    if found is None:
        return None
    beyond = found.value / FACTOR if found.edge == "low" else found.value * FACTOR
    values = {
        "key": found.key,
        "value": found.value,
        "study": found.study,
        "low": found.low,
        "high": found.high,
    }
    if found.edge == "low":
        text = say(
            "{key} = {value:g} is the best value of study {study}, at the low end of its range "
            "{low:g} to {high:g}: smaller values may be better.",
            **values,
        )
    else:
        text = say(
            "{key} = {value:g} is the best value of study {study}, at the high end of its range "
            "{low:g} to {high:g}: larger values may be better.",
            **values,
        )
    return Finding(
        text=text,
        remedy=say("Try a value beyond the end, or a study with a wider range."),
        command=change(facts, f"{found.key}={beyond:g}"),
    )


def _rate(facts: RunFacts) -> float:
    rate = (facts.config.get("optim") or {}).get("lr")
    return float(rate) if isinstance(rate, int | float) else math.nan


RATE = Alert(code="learning-rate", title=say("The learning rate"), look=_look)
