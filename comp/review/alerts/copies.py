"""Images that look alike are in different folds, or in train and test."""

from __future__ import annotations

from comp.page.words import say
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import command
from comp.review.copies import find_copies
from comp.review.facts import RunFacts


def _look(facts: RunFacts) -> Finding | None:
    found = facts.once("copies", lambda: find_copies(facts))
    if found is None:
        return None
    over = [pair for pair in found.pairs if pair.where == "folds"]
    if not over:
        return None
    return Finding(
        text=say(
            "{pairs:,} pairs of images look alike but are in different folds, such as {first} and "
            "{second} ({train:,} of {all:,} training images were compared). A model that has seen "
            "one image of a pair knows the other, so the score may be too good.",
            pairs=len(over),
            first=over[0].first.id,
            second=over[0].second.id,
            train=found.train,
            all=found.all_train,
        ),
        remedy=say(
            "Look at the pairs in the report. If they are copies, give them one group in the "
            "plugin, or drop one of each; this command lists them all."
        ),
        command=command(facts, "check", facts.competition.name),
    )


COPIES = Alert(
    code="copies-in-different-folds",
    title=say("Near-copies in different folds"),
    look=_look,
)
