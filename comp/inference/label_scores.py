"""Scores of several labels per sample, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from comp.inference.areas import areas_of
from comp.inference.draws import draws_for
from comp.inference.estimates import Bootstrap, groups_by_class
from comp.inference.measures import ClassCounts, finite_mean
from comp.inference.scores import Scores

SHOWN = 20
"""Largest number of labels that are scored by themselves."""


def label_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    labels: Sequence[str],
    thresholds: Sequence[float],
    draws: int | None = None,
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
        draws: of the bootstrap; None: as many as the size of the data allows.
    """
    truth, chances = np.asarray(targets) == 1, np.asarray(probabilities)
    decided = chances >= np.asarray(thresholds, dtype=np.float64)
    hits = (truth == decided).all(axis=1)
    tables = [csr_array(cells.T).astype(np.float32) for cells in (truth & decided, truth, decided)]

    def of_labels(weights: np.ndarray) -> np.ndarray:
        """AUC and F1 of each label, (D, 2 K)."""
        counts = ClassCounts(*((table @ weights).T.astype(np.float64) for table in tables))
        return np.hstack([areas_of(truth, chances, weights), counts.f1()])

    areas = of_labels(np.ones((len(truth), 1), dtype=np.float32))[0, : len(labels)]
    worst = sorted(np.argsort(np.nan_to_num(areas, nan=2.0), kind="stable")[:SHOWN].tolist())

    def measure(weights: np.ndarray, columns: np.ndarray) -> dict[str, float]:
        each = dict(zip(("auc", "f1"), np.split(columns, 2), strict=True))
        means = {name: finite_mean(values) for name, values in each.items()}
        return means | {
            "accuracy": float(weights @ hits / weights.sum()),
            **{f"{n} of {labels[k]}": float(v[k]) for k in worst for n, v in each.items()},
        }

    bootstrap = Bootstrap(
        groups=groups,
        draws=draws_for(len(truth), len(labels)) if draws is None else draws,
        seed=seed,
        columns=of_labels,
        counts=_groups_of_labels(truth, groups, labels, worst),
        shares=frozenset({"accuracy"}),
    )
    return Scores(
        classes=tuple(labels),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=bootstrap.estimates(measure),
        confusion=(),
        heading=heading,
        draws=bootstrap.draws,
    )


def _groups_of_labels(
    truth: np.ndarray, groups: Sequence[str], labels: Sequence[str], shown: Sequence[int]
) -> dict[str, int]:
    """How many groups say something about the scores of each label."""
    counts = {}
    for k in shown:
        without, having = groups_by_class(truth[:, k], groups, 2).tolist()
        counts[f"auc of {labels[k]}"] = min(without, having)
        counts[f"f1 of {labels[k]}"] = having
    return counts
