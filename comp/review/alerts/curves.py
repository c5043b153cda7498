"""What the curves end with: a score that still improves, or one that falls."""

from __future__ import annotations

from comp.page.words import Say, say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import first_that_works, longer
from comp.review.evidence.curves import Tail, tail
from comp.review.evidence.memory import Explained, explained
from comp.review.evidence.noise import score_error
from comp.review.facts import RunFacts


def improving(facts: RunFacts) -> tuple[Tail, float] | None:
    """The end of the curves and the standard error of the score, if the score still rises beyond
    chance, the last gain is larger than the standard error, and the training loss falls."""
    found, error = tail(facts), score_error(facts)
    if found is None or error is None or not (found.score_rises and found.loss_falls):
        return None
    return (found, error) if found.gain > error else None


def declining(facts: RunFacts) -> tuple[Tail, float] | None:
    """The same, if the score falls beyond chance and by more than its standard error while the
    training loss falls."""
    found, error = tail(facts), score_error(facts)
    if found is None or error is None or not (found.score_falls and found.loss_falls):
        return None
    return (found, error) if found.fall > error else None


def by_heart(facts: RunFacts) -> Explained | None:
    """What the network explains, if it knows its training samples nearly by heart and little of
    the others, and no longer improves."""
    found = explained(facts)
    return found if found and found.by_heart and not improving(facts) else None


def _improving(facts: RunFacts) -> Finding | None:
    found = improving(facts)
    if found is None:
        return None
    end, error = found
    return Finding(
        text=say(
            "In the last part of the training, up to step {step:,}, {metric} still became better "
            "by {gain} (mean of {folds} folds; standard error of the score {error}), and the "
            "training loss still fell.",
            step=end.steps[1],
            metric=facts.metric.name,
            gain=number(end.gain),
            folds=len(end.scores),
            error=number(error),
        ),
        remedy=say("Train longer: twice as long is a good next try."),
        command=longer(facts),
        tone="plain",
    )


def _overfitting(facts: RunFacts) -> Finding | None:
    fall, heart = declining(facts), by_heart(facts)
    if fall is None and heart is None:
        return None
    remedy, command = against_overfitting(facts)
    return Finding(
        text=_falling_text(facts, *fall) if fall else _heart_text(heart),
        remedy=remedy,
        command=command,
    )


def _falling_text(facts: RunFacts, end: Tail, error: float) -> Say:
    return say(
        "From step {first:,} to {last:,} the training loss fell, but {metric} became worse by "
        "{fall} (mean of {folds} folds; standard error of the score {error}). The best weights "
        "are kept, so the steps after them were in vain.",
        first=end.steps[0],
        last=end.steps[1],
        metric=facts.metric.name,
        fall=number(end.fall),
        folds=len(end.scores),
        error=number(error),
    )


def _heart_text(found: Explained | None) -> Say:
    assert found
    return say(
        "The training loss ended at {train}, the same loss out of fold is {held}: the network "
        "explains {share:.0%} of its training labels, but only {out:.0%} of the others (95 % "
        "interval {low:.0%} to {high:.0%}).",
        train=number(found.train_loss),
        held=number(found.held_out_loss),
        share=found.train,
        out=found.held_out,
        low=found.low,
        high=found.high,
    )


def against_overfitting(facts: RunFacts) -> tuple[Say, str]:
    """What to try against overfitting, and the command: the first that the run does not have."""
    decay = 3 * float((facts.config.get("optim") or {}).get("weight_decay") or 0.01)
    found = first_that_works(
        facts,
        [
            (say("Augment more strongly."), ["augment.preset=strong"]),
            (say("Mix images with CutMix."), ["loader.cutmix=1.0"]),
            (say("Regularize more strongly."), [f"optim.weight_decay={decay:g}"]),
        ],
    )
    return found or (say("Train on more samples, or choose a smaller network."), "")


STILL_IMPROVING = Alert(
    code="still-improving",
    title=say("Still improving at the end"),
    look=_improving,
)
OVERFITTING = Alert(code="overfitting", title=say("Overfitting"), look=_overfitting)
