"""Scores of a classification, of ordered grades, and of F-beta for classes or several labels.

A target is a class index, shape (1,). A prediction is the probability of class 1, shape (1,), or
of each of K classes, shape (K,); a decision is a class index, shape (1,). All scores are NaN if
there are no pairs, or a prediction or decision is not finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from comp.contract.metric import Pairs
from comp.contract.pair_arrays import arrays_of
from comp.contract.scoring.arrays import (
    NAN,
    class_probabilities,
    clip_probabilities,
    decided_classes,
    decided_labels,
    surprise,
)

if TYPE_CHECKING:
    import numpy as np

_VALUES = 1 << 22
"""Probabilities that are converted at once."""
Average = Literal["binary", "micro", "macro", "samples"]


def auc(pairs: Pairs) -> float:
    """Area under the ROC curve, 0..1, by scikit-learn. For K > 2 classes, the mean of one class
    against the rest, over the classes that occur.

    NaN also if all targets are one class.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    targets, probabilities = class_probabilities(pairs, plain=True)
    labels = [1] if probabilities.shape[1] == 1 else range(probabilities.shape[1])
    scores = [
        float(roc_auc_score(targets == label, column.astype(np.float64)))
        for label, column in zip(labels, probabilities.T, strict=True)
        if 0 < (targets == label).sum() < len(targets)
    ]
    return sum(scores) / len(scores) if scores else NAN


def log_loss(pairs: Pairs) -> float:
    """Mean negative logarithm of the true class's probability, in nats, as scikit-learn computes
    it; 0 or more. Probabilities of K > 2 classes are divided by their sum.

    NaN also if the K probabilities of a sample are all 0.
    """
    import numpy as np

    targets, probabilities = class_probabilities(pairs, plain=True)
    losses, step = np.empty(len(targets)), max(1, _VALUES // probabilities.shape[1])
    for begin in range(0, len(targets), step):
        part = slice(begin, begin + step)
        chances = probabilities[part].astype(np.float64)
        if chances.shape[1] == 1:
            chances = np.hstack([1 - chances, chances])
        totals = chances.sum(1, keepdims=True)
        if (totals == 0).any():
            return NAN
        shares = clip_probabilities(chances / totals)
        losses[part] = surprise(shares[np.arange(len(shares)), targets[part]])
    return float(np.average(losses)) if len(targets) else NAN


def accuracy(pairs: Pairs) -> float:
    """Share of decisions that are the true class, 0..1."""
    targets, decisions = decided_classes(pairs)
    return float((decisions == targets).mean()) if len(targets) else NAN


def balanced_accuracy(pairs: Pairs) -> float:
    """Mean recall over the classes that occur among the targets, 0..1."""
    import numpy as np
    from sklearn.metrics import recall_score

    targets, decisions = decided_classes(pairs)
    if not len(targets):
        return NAN
    labels = np.unique(targets)
    return float(
        recall_score(targets, decisions, labels=labels, average="macro", zero_division=0.0)
    )


def f_beta_score(beta: float, average: Average, pairs: Pairs) -> float:
    """F-beta of decisions, 0..1, as scikit-learn computes it: the weighted harmonic mean of
    precision and recall; recall weighs `beta` times as much as precision.

    - "binary": of class 1 of two.
    - "micro": of all true and decided classes or labels, pooled.
    - "macro": the mean over the classes that occur as target or decision, or over all labels.
    - "samples": the mean over the rows of several labels.

    A target of one value is a class index; with more, each value is a label, 0 or 1. A class or
    label without targets and decisions counts 0, a row without both counts 1.
    """
    targets, decisions = _classes_or_labels(average, pairs)
    if not len(targets):
        return NAN
    if targets.ndim == 2:
        return _f_beta_of_labels(beta, average, targets, decisions)
    from sklearn.metrics import fbeta_score

    return float(fbeta_score(targets, decisions, beta=beta, average=average, zero_division=0.0))


def _f_beta_of_labels(
    beta: float, average: Average, targets: np.ndarray, decisions: np.ndarray
) -> float:
    """F-beta of tables (N, K) of 0 and 1. Scikit-learn gives the same number twenty times slower,
    and thresholds are fitted by thousands of them."""
    import numpy as np

    axis = {"micro": None, "macro": 0, "samples": 1}[average]
    both, true, decided = (
        np.atleast_1d(table.sum(axis=axis)) for table in (targets * decisions, targets, decisions)
    )
    total = beta**2 * true + decided
    scores = np.full(len(total), 1.0 if average == "samples" else 0.0)
    np.divide((1 + beta**2) * both, total, out=scores, where=total > 0)
    return float(scores.mean())


def _classes_or_labels(average: Average, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    known = arrays_of(pairs)
    if known is not None and average != "binary":
        several = max(known.targets.shape[1], known.predictions.shape[1]) > 1
        return decided_labels(known) if several or average == "samples" else decided_classes(known)
    listed: Pairs = known or list(pairs)
    if average == "samples":
        return decided_labels(listed)
    if average == "binary":
        targets, decisions = decided_classes(listed)
        if len(targets) and max(targets.max(), decisions.max()) > 1:
            raise ValueError(
                f"class {max(targets.max(), decisions.max())} occurs, and this metric compares "
                "two classes, 0 and 1: choose the average of several, such as f1-macro or f1-micro"
            )
        return targets, decisions
    several = any(len(row) > 1 for pair in listed for row in map(_values, pair))
    return decided_labels(listed) if several else decided_classes(listed)


def _values(row: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.atleast_1d(row)


def quadratic_weighted_kappa(pairs: Pairs) -> float:
    """Cohen's kappa of decided grades with quadratic weights, -1..1, by scikit-learn; 0 is chance.
    The weight of an error is the squared difference of the grades, including grades that do not
    occur.

    NaN also if all targets and all decisions are the same grade.
    """
    from sklearn.metrics import cohen_kappa_score

    targets, decisions = decided_classes(pairs)
    if not len(targets) or min(targets.min(), decisions.min()) == (
        highest := max(targets.max(), decisions.max())
    ):
        return NAN
    # scikit-learn takes the distance of two grades from their positions in `labels`.
    labels = list(range(highest + 1))
    return float(cohen_kappa_score(targets, decisions, labels=labels, weights="quadratic"))


def matthews_correlation(pairs: Pairs) -> float:
    """Matthews correlation of decided classes, -1..1, by scikit-learn; 0 is chance.

    0 if all targets, or all decisions, are the same class.
    """
    from sklearn.metrics import matthews_corrcoef

    targets, decisions = decided_classes(pairs)
    if not len(targets):
        return NAN
    if targets.min() == targets.max() or decisions.min() == decisions.max():
        return 0.0  # scikit-learn warns
    return float(matthews_corrcoef(targets, decisions))


def probabilistic_f1(pairs: Pairs) -> float:
    """F1 of class 1 of two, 0..1, in which a probability counts as that share of a decision;
    predictions are clipped to 0..1.

    NaN also if no target is class 1.
    """
    import numpy as np

    targets, probabilities = class_probabilities(pairs)
    if probabilities.shape[1] != 1:
        raise ValueError(
            f"predictions have shape {probabilities.shape[1:]}, and this metric compares two "
            "classes: predict the probability of class 1, shape (1,)"
        )
    positives = int((targets == 1).sum())
    if not positives:
        return NAN
    shares = np.clip(probabilities[:, 0], 0, 1)
    # 2 PR / (P + R) with P = hits / sum of shares and R = hits / positives
    return float(2 * shares[targets == 1].sum() / (shares.sum() + positives))
