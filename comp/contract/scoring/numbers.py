"""Scores of numbers and of images.

Target and prediction have the same shape: (K,) for numbers, (H, W, C) for images. All scores are
NaN if there are no pairs, or a value is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from comp.contract.metric import Pairs
from comp.contract.scoring.arrays import NAN, check_same_shape, columns

if TYPE_CHECKING:
    import numpy as np


def rmse(pairs: Pairs) -> float:
    """Root mean squared error over all values of all pairs, in the unit of the targets; 0 or
    more."""
    return float(_mean(_squared_error, pairs) ** 0.5)


def mae(pairs: Pairs) -> float:
    """Mean absolute error over all values of all pairs, in the unit of the targets; 0 or more."""
    return _mean(_absolute_error, pairs)


def rmsle(pairs: Pairs) -> float:
    """Root mean squared error of log(1 + value) over all values of all pairs; 0 or more.

    NaN also if a prediction is -1 or less.
    """
    return float(_mean(_squared_logarithmic_error, pairs) ** 0.5)


def mape(pairs: Pairs) -> float:
    """Mean of |prediction - target| / |target| over all values of all pairs, a share and not in
    percent; 0 or more."""
    return _mean(_relative_error, pairs)


def rmspe(pairs: Pairs) -> float:
    """Root mean square of (prediction - target) / target over all values of all pairs whose target
    is not 0, a share and not in percent; 0 or more."""
    return float(_mean(_squared_relative_error, pairs) ** 0.5)


def mean_columnwise_rmsle(pairs: Pairs) -> float:
    """Mean over the columns of the root mean squared error of log(1 + value); 0 or more.

    NaN also if a prediction is -1 or less.
    """
    import numpy as np

    targets, predictions = _finite_columns(pairs)
    if not len(targets):
        return NAN
    errors = _squared_logarithmic_error(targets, predictions)
    return float(np.sqrt(errors.mean(0)).mean())


def mean_columnwise_rmse(pairs: Pairs) -> float:
    """Mean over the columns of the root mean squared error of each; 0 or more."""
    import numpy as np

    targets, predictions = _finite_columns(pairs)
    if not len(targets):
        return NAN
    return float(np.sqrt(np.square(predictions - targets).mean(0)).mean())


def r2(pairs: Pairs) -> float:
    """Coefficient of determination, by scikit-learn: at most 1; 0 is the mean of the targets.
    The mean over the columns if there are several.

    NaN also if the targets of a column are constant.
    """
    from sklearn.metrics import r2_score

    targets, predictions = _finite_columns(pairs)
    if _has_constant_column(targets):
        return NAN
    return float(r2_score(targets, predictions))


def spearman(pairs: Pairs) -> float:
    """Spearman's rank correlation, -1..1, by SciPy; the mean over the columns if there are
    several.

    NaN also if the targets or the predictions of a column are constant.
    """
    from scipy.stats import spearmanr

    targets, predictions = _finite_columns(pairs)
    if _has_constant_column(targets) or _has_constant_column(predictions):
        return NAN
    scores = [
        float(spearmanr(target, prediction).statistic)
        for target, prediction in zip(targets.T, predictions.T, strict=True)
    ]
    return sum(scores) / len(scores)


def _finite_columns(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions, float64 (N, K); both empty if a value is not finite."""
    import numpy as np

    targets, predictions = columns(pairs)
    finite = bool(np.isfinite(targets).all())
    return (targets, predictions) if finite else (targets[:0], predictions[:0])


def _has_constant_column(values: np.ndarray) -> bool:
    """Also True if there are no rows."""
    return not len(values) or bool((values == values[0]).all(0).any())


def _mean(errors: Callable[[np.ndarray, np.ndarray], np.ndarray], pairs: Pairs) -> float:
    """The mean of errors(target, prediction) over all values, one pair in memory at a time."""
    import numpy as np

    total, count = 0.0, 0
    for target, prediction in pairs:
        expected = np.asarray(target, dtype=np.float64)
        predicted = np.asarray(prediction, dtype=np.float64)
        check_same_shape(expected, predicted)
        values = errors(expected, predicted)
        total += float(values.sum())
        count += values.size
    return total / count if count and math.isfinite(total) else NAN


def _squared_error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    squares: np.ndarray = np.square(prediction - target)
    return squares


def _absolute_error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    errors: np.ndarray = np.abs(prediction - target)
    return errors


def _relative_error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    if not np.all(target):
        raise ValueError("a target is 0, and this metric divides by targets: choose mae or rmspe")
    errors: np.ndarray = np.abs((prediction - target) / target)
    return errors


def _squared_relative_error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    known = target != 0
    squares: np.ndarray = np.square((prediction[known] - target[known]) / target[known])
    return squares


def _squared_logarithmic_error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    if target.size and target.min() <= -1:
        raise ValueError(
            f"a target is {target.min():g}, and this metric needs values above -1: choose rmse or "
            "mae"
        )
    if prediction.size and prediction.min() <= -1:
        return np.full(1, np.nan)
    return _squared_error(np.log1p(target), np.log1p(prediction))
