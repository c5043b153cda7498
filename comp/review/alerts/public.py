"""The public score is not what the folds promise."""

from __future__ import annotations

from comp.page.words import say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import command
from comp.review.evidence.board import board
from comp.review.facts import RunFacts


def _look(facts: RunFacts) -> Finding | None:
    found = board(facts)
    if found is None or not found.is_far:
        return None
    values = {
        "metric": facts.metric.name,
        "public": number(found.public),
        "oof": number(found.oof),
        "samples": found.public_samples,
        "error": number(found.error),
    }
    if found.worse:
        text = say(
            "The public {metric} is {public}, worse than the {oof} out of fold by more than 2.6 "
            "standard errors ({error}, with {samples:,} public samples, 30 % of the test, "
            "assumed).",
            **values,
        )
        remedy = say("Look for leaks between folds, and for a test that differs from train.")
        return Finding(
            text=text,
            remedy=remedy,
            command=command(facts, "check", facts.competition.name),
        )
    return Finding(
        text=say(
            "The public {metric} is {public}, better than the {oof} out of fold by more than 2.6 "
            "standard errors ({error}, with {samples:,} public samples, 30 % of the test, "
            "assumed).",
            **values,
        ),
        remedy=say("The test may be easier than train, or contain copies of it."),
        command=command(facts, "trust", facts.competition.name),
        tone="plain",
    )


PUBLIC_SCORE = Alert(
    code="public-score-differs",
    title=say("The public score is not that of the folds"),
    look=_look,
)
