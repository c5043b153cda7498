"""The time for explanations of samples: the budget of a run may have little or none."""

from __future__ import annotations

import time
from collections.abc import Callable

from comp.errors import RunError
from comp.review.commands import command
from comp.review.facts import RunFacts


def has_time(facts: RunFacts) -> bool:
    """Whether there is time to explain samples."""
    return time.monotonic() < facts.explain_until


def no_time(facts: RunFacts) -> str:
    """Why samples are not explained, if there is no time."""
    return (
        "the budget had no time to explain samples: "
        f"'{command(facts, 'report', facts.run_id)}' writes the report with them"
    )


def in_time(facts: RunFacts) -> Callable[[str], None]:
    """A function to call between batches of samples.

    It raises RunError if the time is over.
    """

    def check(_stage: str) -> None:
        if not has_time(facts):
            raise RunError(no_time(facts))

    return check
