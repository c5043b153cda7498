"""The notes of a run: at most five sentences, the most important first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from comp.page.words import Say, say
from comp.review.coach.data import imbalanced, noisy_labels, shifted
from comp.review.coach.note import Note
from comp.review.coach.training import (
    frozen_at_random,
    frozen_too_much,
    learned_nothing,
    overfits,
    rate_too_high,
    rate_too_low,
    too_few_steps,
    too_few_trees,
    underfits,
)
from comp.review.commands import command
from comp.review.facts import RunFacts

MOST = 5
"""Sentences, that of the command included."""

RULES: tuple[Callable[[RunFacts], Note | None], ...] = (
    frozen_at_random,
    rate_too_high,
    rate_too_low,
    learned_nothing,
    too_few_steps,
    overfits,
    frozen_too_much,
    underfits,
    too_few_trees,
    noisy_labels,
    imbalanced,
    shifted,
)


def coach_notes(facts: RunFacts) -> Sequence[Say]:
    """What limits the run, and in the last sentence the one command to try next. Empty if nothing
    is sure."""
    return facts.once("coach", lambda: _coach_notes(facts))


def _coach_notes(facts: RunFacts) -> Sequence[Say]:
    notes = [_synthetic(facts)] if facts.synthetic else []
    notes += [note for rule in RULES if not facts.synthetic and (note := rule(facts))]
    shown = notes[: MOST - 1]
    found = [note.text for note in shown]
    next_one = next((note.command for note in shown if note.command), "")
    return [*found, say("Try next: {command}", command=next_one)] if next_one else found


def _synthetic(facts: RunFacts) -> Note:
    text = say("The data is synthetic, so the scores say nothing about the competition.")
    return Note(text=text, command=command(facts, "download", facts.competition.name))
