"""Scores of several labels per sample, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.inference.measures import confusion, f1, finite_mean, weighted_auc
from comp.inference.scores import Scores, bootstrap_estimates

SHOWN = 20
"""Largest number of labels that are scored by themselves."""
COLUMNS_DRAWN = 20_000
"""Draws of the bootstrap times labels: 1,000 draws of up to 20 labels, fewer of more."""


def label_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    labels: Sequence[str],
    thresholds: Sequence[float],
    draws: int = 1000,
    seed: int = 0,
    heading: str = "",
) -> Scores:
    """Score several labels, each at its threshold.

    `estimates` contains auc and f1, both means over the labels; accuracy, the share of samples with
    all labels decided correctly; and `auc of <label>` and `f1 of <label>` of the labels with the
    lowest AUC, at most 20. A label without a true or a false target has no AUC.

    Args:
        targets: (N, K), 0 or 1.
        probabilities: float (N, K).
        groups: N names.
    """
    truth = np.asarray(targets, dtype=np.int64)
    chances = np.asarray(probabilities, dtype=np.float64)
    decided = (chances >= np.asarray(thresholds)).astype(np.int64)
    ranks = [np.unique(column, return_inverse=True)[1] for column in chances.T]
    hits = (truth == decided).all(axis=1)

    def areas(weights: np.ndarray) -> np.ndarray:
        columns = zip(truth.T == 1, ranks, strict=True)
        return np.array([weighted_auc(positive, rank, weights) for positive, rank in columns])

    def f1s(weights: np.ndarray) -> np.ndarray:
        columns = zip(truth.T, decided.T, strict=True)
        return np.array([f1(confusion(t, d, weights, 2))[1] for t, d in columns])

    order = np.argsort(np.nan_to_num(areas(np.ones(len(truth))), nan=2.0), kind="stable")
    worst = sorted(order[:SHOWN].tolist())

    def measure(weights: np.ndarray) -> dict[str, float]:
        each = {"auc": areas(weights), "f1": f1s(weights)}
        means = {name: finite_mean(values) for name, values in each.items()}
        return means | {
            "accuracy": float(weights @ hits / weights.sum()),
            **{f"{n} of {labels[k]}": float(v[k]) for k in worst for n, v in each.items()},
        }

    draws = min(draws, max(100, COLUMNS_DRAWN // len(labels)))
    everyone = np.zeros(len(truth), dtype=np.int64)
    return Scores(
        classes=tuple(labels),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=bootstrap_estimates(measure, everyone, groups, draws, seed),
        confusion=(),
        heading=heading,
    )
