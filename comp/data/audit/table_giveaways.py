"""Find columns that give the target away: one alone predicts it nearly perfectly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comp.data.audit.findings import Finding, findings_of
from comp.data.columns.matrices import Matrix

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 10_000
"""Rows that decide, a random part if there are more."""
LEAST_ROWS = 50
LEAVES = 64
"""Most leaves of the tree that predicts the target from one column."""
MOST_CLASSES = 20
"""Different target values up to which they are compared as classes."""
GIVES_AWAY = {"AUC": 0.99, "R2": 0.98}
"""Scores from which a column gives the target away."""


def find_giveaways(x: Matrix, targets: np.ndarray, groups: Sequence[object]) -> list[Finding]:
    """Columns from which a small tree predicts the targets of held-out rows nearly perfectly.

    A target of few values is scored by the AUC of each value, another by the R2 of its ranks; with
    several targets, the best predicted counts.

    Args:
        targets: (N,) or (N, K).
        groups: of each row; rows of one group are held out together.
    """
    import numpy as np

    targets = np.asarray(targets, dtype=np.float64).reshape(len(x), -1)
    if len(x) < LEAST_ROWS:
        return []
    rows = np.arange(len(x))
    if len(x) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(len(x))[:MOST_ROWS])
    names = []
    used = x.rows(rows)
    splits = _splits([groups[int(i)] for i in rows])
    for i, name in enumerate(x.names):
        column = _ordered(used.values[:, i])
        scores = [_score(column, target, splits) for target in targets[rows].T]
        kind, score = max(scores, key=lambda s: s[1] / GIVES_AWAY[s[0]])
        if score >= GIVES_AWAY[kind]:
            names.append(f"{name} ({kind} {score:.4f})")
    return findings_of(
        "gives-target-away",
        "warning",
        names,
        "columns that predict the target nearly perfectly, each alone",
        "name them in columns.drop, if they are not known before the target",
    )


def _ordered(column: np.ndarray) -> np.ndarray:
    """A column (N, 1) with a gap as the smallest value."""
    import numpy as np

    present = column[~np.isnan(column)]
    least = present.min() - 1 if len(present) else 0.0
    return np.where(np.isnan(column), least, column)[:, None]


def _splits(groups: Sequence[object]) -> list[tuple[Any, Any]]:
    """Two halves by group, each held out once."""
    import numpy as np

    index = np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
    half = np.random.default_rng(0).permutation(int(index.max()) + 1) % 2
    sides = half[index]
    return [(np.flatnonzero(sides == side), np.flatnonzero(sides != side)) for side in (0, 1)]


def _score(
    column: np.ndarray, target: np.ndarray, splits: Sequence[tuple[Any, Any]]
) -> tuple[str, float]:
    """The score of the held-out rows of both halves, with its name."""
    import numpy as np
    from scipy.stats import rankdata
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.tree import DecisionTreeRegressor

    values = np.unique(target)
    if len(values) < 2 or any(not len(part) for split in splits for part in split):
        return "AUC", 0.0
    classes = len(values) <= MOST_CLASSES
    truth = (target[:, None] == values) * 1.0 if classes else rankdata(target)[:, None]
    predicted = np.zeros_like(truth)
    for train, held_out in splits:
        tree = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=2, random_state=0)
        tree.fit(column[train], truth[train])
        predicted[held_out] = tree.predict(column[held_out]).reshape(len(held_out), -1)
    if classes:
        columns = zip(truth.T, predicted.T, strict=True)
        return "AUC", float(np.mean([roc_auc_score(t, p) for t, p in columns]))
    return "R2", float(r2_score(truth, predicted))
