"""Calibration: whether what is predicted with 80 % happens in 80 % of the cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from comp.inference.measures import BINS, calibration_error
from comp.page.blocks import Block, Figure, Paragraph
from comp.page.charts import Histogram, LineChart, Series
from comp.page.words import Text, say
from comp.review.evidence.levels import SURE

ENOUGH = 0.01
"""A mean probability that is nearer to the share of hits is called right, and one that chance
explains."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Samples in bins of equal width by their probability; only bins with samples."""

    chance: np.ndarray
    """The mean probability in each bin, float64 (B,)."""
    share: np.ndarray
    """The share of the hits in each bin, float64 (B,)."""
    count: np.ndarray
    """The samples in each bin, int64 (B,)."""
    error: float
    """Expected calibration error, as `comp.inference.measures.calibration_error`."""


def calibration(hits: np.ndarray, chances: np.ndarray) -> Calibration:
    """The calibration of probabilities.

    Args:
        hits: bool (N,), whether the event happened.
        chances: float (N,), its probability in 0..1.
    """
    inside = np.clip(chances, 0.0, 1.0)  # scikit-learn's calibration takes a second to import
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], inside)
    count = np.bincount(bins)
    filled = count > 0
    return Calibration(
        chance=np.bincount(bins, inside)[filled] / count[filled],
        share=np.bincount(bins, hits)[filled] / count[filled],
        count=count[filled],
        error=calibration_error(hits, inside, np.ones(len(hits))),
    )


def calibration_blocks(hits: np.ndarray, chances: np.ndarray, event: Text) -> list[Block]:
    """The calibration diagram with the expected calibration error, and how many samples there are;
    nothing without samples.

    Args:
        event: what a hit is, such as "the class is dog".
    """
    if not len(hits):
        return []
    found = calibration(hits, chances)
    labels = [f"n = {count:,}" for count in found.count]
    points = Series(
        name=say("predictions"),
        x=found.chance.tolist(),
        y=found.share.tolist(),
        labels=labels,
    )
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.histogram(np.clip(chances, 0, 1), edges)[0]
    return [
        Figure(
            LineChart(
                title=say("Calibration: {event}", event=event),
                series=[points],
                x_label=say("predicted probability, the mean of each bin"),
                y_label=say("share of the samples"),
                x_range=(0.0, 1.0),
                y_range=(0.0, 1.0),
                diagonal=True,
            )
        ),
        Paragraph(_words(found, hits, chances)),
        Figure(
            Histogram(
                title=say("Samples by predicted probability"),
                edges=edges.tolist(),
                counts=[(say("samples"), counts.tolist())],
                x_label=say("predicted probability"),
                y_label=say("samples"),
            )
        ),
    ]


def _words(found: Calibration, hits: np.ndarray, chances: np.ndarray) -> Text:
    mean, share = float(chances.mean()), float(hits.mean())
    values = {"error": found.error, "mean": mean, "share": share}
    error = math.sqrt(share * (1 - share) / max(1, len(hits)))
    if abs(mean - share) < max(ENOUGH, SURE * error):
        return say(
            "The expected calibration error is {error:.4f}. The mean probability is {mean:.3f}, "
            "and it happens in {share:.3f} of the samples: on average the probabilities are right.",
            **values,
        )
    if mean > share:
        return say(
            "The expected calibration error is {error:.4f}. The mean probability is {mean:.3f}, "
            "but it happens in {share:.3f} of the samples: the probabilities are too high.",
            **values,
        )
    return say(
        "The expected calibration error is {error:.4f}. The mean probability is {mean:.3f}, "
        "but it happens in {share:.3f} of the samples: the probabilities are too low.",
        **values,
    )
