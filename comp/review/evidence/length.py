"""Whether a training was too short to say more."""

from __future__ import annotations

from comp.review.evidence.curves import tail
from comp.review.facts import RunFacts

EPOCHS = 3
"""A run with fewer passes over the data has trained for a short time only."""


def passes(facts: RunFacts) -> float | None:
    """How often the networks saw each sample, at most; None if no network was trained."""
    epochs = [float(fold.history[-1].get("epoch") or 0.0) for fold in facts.folds if fold.history]
    return max(epochs) if epochs else None


def short(facts: RunFacts) -> bool:
    """Whether every network of the run saw its samples fewer than 3 times."""
    seen = passes(facts)
    return seen is not None and seen < EPOCHS


def needs_time(facts: RunFacts) -> bool:
    """Whether the training was short, or its score still became better at the end."""
    end = tail(facts)
    return short(facts) or bool(end and end.score_rises)
