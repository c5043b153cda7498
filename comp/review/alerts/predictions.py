"""What is wrong with the predictions themselves: a class is missing, probabilities are wrong."""

from __future__ import annotations

from comp.page.words import Say, say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import first_that_works, longer
from comp.review.evidence.calibration import Calibration, calibration
from comp.review.evidence.length import needs_time
from comp.review.evidence.missed import missed
from comp.review.facts import RunFacts


def _never(facts: RunFacts) -> Finding | None:
    found = missed(facts)
    if not found:
        return None
    cares = facts.metric.takes == "decisions"
    values = {
        "name": found[0].name,
        "samples": found[0].samples,
        "groups": found[0].groups,
        "count": len(found),
    }
    if len(found) == 1:
        text = say(
            "{name} is never decided out of fold, though {samples:,} samples in {groups:,} groups "
            "have it.",
            **values,
        )
    else:
        text = say(
            "{count} classes are never decided out of fold, such as {name}, which {samples:,} "
            "samples in {groups:,} groups have.",
            **values,
        )
    if not cares:
        text = say(
            "{text} {metric} compares probabilities, so the score does not show it.",
            text=text,
            metric=facts.metric.name,
        )
    remedy, command = for_rare_classes(facts)
    more = longer(facts, 5)
    if needs_time(facts):
        remedy, command = say("The training was too short: train longer."), more
    elif more and not found[0].is_rare:
        remedy, command = say("The class is not rare, but not learned: train longer."), more
    return Finding(text=text, remedy=remedy, command=command, tone="warning" if cares else "plain")


def for_rare_classes(facts: RunFacts) -> tuple[Say, str]:
    """What to try for classes that are rare, and the command."""
    found = first_that_works(
        facts,
        [
            (say("Draw all classes equally often."), ["loader.sampler=balanced"]),
            (say("Give all classes the same weight."), ["loss.weights=balanced"]),
        ],
    )
    return found or (say("Collect more samples of rare classes."), "")


def _calibration(facts: RunFacts) -> Finding | None:
    found = calibration(facts)
    if found is None or not found.is_bad:
        return None
    remedy, command = _less_sure(facts) if found.confidence > found.hits else _more_sure(facts)
    return Finding(text=_calibration_text(found), remedy=remedy, command=command)


def _less_sure(facts: RunFacts) -> tuple[Say, str]:
    tries = [
        (say("Smooth the labels, which makes a network less sure."), ["loss.smoothing=0.1"]),
        (say("Average several trainings of each fold."), ["seeds=3"]),
    ]
    return first_that_works(facts, tries) or (say("Regularize more strongly."), "")


def _more_sure(facts: RunFacts) -> tuple[Say, str]:
    tries = [
        (say("Train without label smoothing."), ["loss.smoothing=0"]),
        (say("Train without mixup."), ["loader.mixup=0"]),
    ]
    found, more = first_that_works(facts, tries), longer(facts)
    if found or not more:
        return found or (say("Let the model fit its training samples more closely."), "")
    return say("Train longer: a short training is not sure enough."), more


def _calibration_text(found: Calibration) -> Say:
    return say(
        "Probabilities and frequencies differ by {error} on average (99 % interval {low} to "
        "{high}): the most probable class has {confidence:.1%} on average, and is right in "
        "{hits:.1%}. The metric compares probabilities, so this costs score.",
        error=number(found.error),
        low=number(found.low),
        high=number(found.high),
        confidence=found.confidence,
        hits=found.hits,
    )


NEVER_PREDICTED = Alert(
    code="class-never-predicted", title=say("A class is never predicted"), look=_never
)
CALIBRATION = Alert(
    code="badly-calibrated", title=say("Probabilities are not frequencies"), look=_calibration
)
