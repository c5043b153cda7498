"""Rules about the data: shift, imbalance, wrong labels."""

from __future__ import annotations

from comp.page.words import say
from comp.review.alerts.predictions import for_rare_classes
from comp.review.alerts.shift import against_shift, drift_of
from comp.review.coach.note import Note
from comp.review.commands import command
from comp.review.evidence.label_noise import label_noise
from comp.review.evidence.rare import rare_class
from comp.review.facts import RunFacts


def shifted(facts: RunFacts) -> Note | None:
    """Test differs from train, as the run found before it trained."""
    found = drift_of(facts)
    if found is None:
        return None
    text = say(
        "Test differs from train: a classifier tells them apart with AUC {auc:.2f} ({low:.2f} to "
        "{high:.2f}; chance is 0.5), so the score may not hold in test.",
        auc=found.auc,
        low=found.low,
        high=found.high,
    )
    return Note(text=text, command=against_shift(facts)[1])


def imbalanced(facts: RunFacts) -> Note | None:
    """A rare class is found much less often than the others, and the metric compares decisions."""
    found = rare_class(facts)
    if found is None or facts.metric.takes != "decisions":
        return None
    text = say(
        "Imbalance: {name}, {share:.1%} of the samples, is found in {found:.0%} of them (at most "
        "{high:.0%}), the other classes in {others:.0%}.",
        name=found.name,
        share=found.share,
        found=found.found.value,
        high=found.found.high,
        others=found.others.value,
    )
    return Note(text=text, command=for_rare_classes(facts)[1])


def noisy_labels(facts: RunFacts) -> Note | None:
    """The run is wrong also where it is surest."""
    found = label_noise(facts)
    if found is None:
        return None
    text = say(
        "Wrong labels: the surest quarter of the predictions still has {errors:.1%} errors "
        "({low:.1%} to {high:.1%}); about {wrong:,} of {samples:,} labels may be wrong.",
        errors=found.sure_errors.value,
        low=found.sure_errors.low,
        high=found.sure_errors.high,
        wrong=found.wrong,
        samples=found.samples,
    )
    return Note(text=text, command=command(facts, "suspects", facts.run_id))
