"""What the data of the run lacks: it is synthetic, or images were left out."""

from __future__ import annotations

from comp.page.words import say
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import command
from comp.review.facts import RunFacts


def _synthetic(facts: RunFacts) -> Finding | None:
    if not facts.synthetic:
        return None
    return Finding(
        text=say("All samples were drawn by the program, so no score says anything about Kaggle."),
        remedy=say("Download the data, and run again."),
        command=command(facts, "download", facts.competition.name),
        tone="plain",
    )


def _skipped(facts: RunFacts) -> Finding | None:
    skipped = facts.record.get("skipped") or {}
    if not skipped:
        return None
    name, why = next(iter(skipped.items()))
    return Finding(
        text=say(
            "{count:,} images could not be read and were left out, such as {name}: {why}. A test "
            "image among them has the mean prediction.",
            count=len(skipped),
            name=str(name),
            why=str(why),
        ),
        remedy=say("Check all files; download the data again if they are damaged."),
        command=command(facts, "check", facts.competition.name),
    )


SYNTHETIC = Alert(code="synthetic-data", title=say("Synthetic data"), look=_synthetic)
SKIPPED = Alert(code="images-left-out", title=say("Images left out"), look=_skipped)
