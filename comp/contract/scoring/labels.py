"""Scores of several labels per sample, and of rankings of classes or labels.

A target of several labels is (K,), 0 or 1; a prediction is (K,), one probability per label. All
scores are NaN if there are no pairs, or a prediction is not finite.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from comp.contract.metric import Pairs
from comp.contract.pair_arrays import arrays_of
from comp.contract.scoring.arrays import (
    NAN,
    class_probabilities,
    clip_probabilities,
    label_probabilities,
    surprise,
)

if TYPE_CHECKING:
    import numpy as np


def mean_auc(pairs: Pairs) -> float:
    """Mean over the labels of the area under the ROC curve, 0..1, by scikit-learn. A label whose
    targets are all 0 or all 1 is left out.

    NaN also if all labels are left out.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    targets, probabilities = label_probabilities(pairs, plain=True)
    scores = [
        float(roc_auc_score(column, probability.astype(np.float64)))
        for column, probability in zip(targets.T, probabilities.T, strict=True)
        if len(column) and column.min() != column.max()
    ]
    return sum(scores) / len(scores) if scores else NAN


def mean_log_loss(pairs: Pairs) -> float:
    """Mean over the labels of the log loss of two classes, in nats, as scikit-learn computes
    it; 0 or more."""
    import numpy as np

    targets, probabilities = label_probabilities(pairs)
    if not len(targets):
        return NAN
    chances = clip_probabilities(probabilities).ravel()
    np.subtract(1, chances, out=chances, where=targets.ravel() == 0)
    return float(np.average(surprise(chances)))


def mean_average_precision(k: int, pairs: Pairs) -> float:
    """Mean over the samples of the average precision of the `k` most probable classes, 0..1.

    With one true class, target (1,), a sample scores 1 / rank, or 0 if the rank is above `k`. With
    several true labels, target (K,), it scores the mean of the precisions at the ranks of the true
    labels among the first `k`, divided by the smaller of `k` and their number; 0 without a true
    label. Of equal probabilities, the lower index is ranked first.
    """
    import numpy as np

    relevant, probabilities = _relevant(pairs)
    if not len(relevant):
        return NAN
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(relevant, order, axis=1)
    precisions = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    reachable = np.clip(relevant.sum(1), 1, k)
    return float(((precisions * hits).sum(1) / reachable).mean())


def _relevant(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """0 or 1, and probabilities, both float64 (N, K); a class index is turned into a row."""
    import numpy as np

    listed = arrays_of(pairs) or list(pairs)
    if any(np.size(target) > 1 for target, _ in islice(listed, 1)):
        return label_probabilities(listed)
    targets, probabilities = class_probabilities(listed)
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    return np.eye(probabilities.shape[1])[targets], probabilities
