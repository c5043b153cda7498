"""Confident learning: labels that are probably wrong, from probabilities out of fold.

Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, Journal
of Artificial Intelligence Research 70, 2021. The threshold of a class is the mean self-confidence
of the samples that are labelled with it (equation 2). A sample is counted as another class if its
probability of that class reaches the threshold; of several such classes, the most probable one
(equation 1, the confident joint). The samples off the diagonal of this joint are estimated to be
wrong, except those whose given label is the most probable class, as in cleanlab 2
(`cleanlab.filter.find_label_issues`, filter_by="confident_learning"). They are ranked by the
normalised margin (section 3.2 and `cleanlab.rank.get_normalized_margin_for_each_label`).

The probabilities must come from models that did not train on the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-6
"""A probability reaches a threshold from this much below it, as in cleanlab."""


@dataclass(frozen=True, kw_only=True)
class ConfidentLabels:
    """What confident learning says about N labels."""

    suggested: np.ndarray
    """int64 (N,): the class that the sample probably is, if its label is wrong; else the most
    probable of the other classes."""
    margin: np.ndarray
    """float64 (N,) in 0..1: half of 1 + probability of the given label - largest probability of
    another; small values are suspect, and below 0.5 another class is more probable."""
    wrong: np.ndarray
    """bool (N,): estimated to be wrong."""


def confident_labels(probabilities: np.ndarray, given: np.ndarray) -> ConfidentLabels:
    """Estimate which labels are wrong.

    Args:
        probabilities: float (N, K), finite, out of fold.
        given: int (N,), the index of the given class.
    """
    rows = np.arange(len(given))
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -np.inf
    reached = probabilities >= thresholds(probabilities, given) - _ROUNDING
    counted = np.where(reached, probabilities, -np.inf).argmax(axis=1)
    off_diagonal = reached.any(axis=1) & (counted != given)
    wrong = off_diagonal & (probabilities.argmax(axis=1) != given)
    return ConfidentLabels(
        suggested=np.where(wrong, counted, others.argmax(axis=1)),
        margin=(1 + own - others.max(axis=1)) / 2,
        wrong=wrong,
    )


def thresholds(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The mean self-confidence of each class, float64 (K,); infinite for a class that no sample is
    labelled with."""
    count = probabilities.shape[1]
    means = np.full(count, np.inf)
    for index in range(count):
        labelled = given == index
        if labelled.any():
            means[index] = probabilities[labelled, index].mean()
    return means
