"""Arrays of the targets and predictions of all samples, checked before a metric compares them.

Every function raises a ValueError with the shapes if targets and predictions cannot be compared;
nothing is broadcast. If there are no pairs, or a prediction is not finite, both arrays are empty:
the score is then NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from comp.contract.metric import Pairs
from comp.contract.pair_arrays import arrays_of

if TYPE_CHECKING:
    import numpy as np

    Arrays = tuple[np.ndarray, np.ndarray]

NAN = float("nan")


def vectors(pairs: Pairs, plain: bool = False) -> Arrays:
    """Targets (N, T) and predictions (N, K), float64.

    Args:
        plain: predictions that are float32 stay so, which takes half the memory.
    """
    import numpy as np

    known = arrays_of(pairs)
    if known is not None:
        targets, predictions = known.targets.astype(np.float64), known.predictions
        if not np.isfinite(predictions).all():
            return targets[:0], predictions[:0].astype(np.float64)
        return targets, predictions if plain else predictions.astype(np.float64)
    listed = list(pairs)
    targets = _matrix([target for target, _ in listed], "targets")
    predictions = _matrix([prediction for _, prediction in listed], "predictions")
    finite = bool(np.isfinite(predictions).all())
    return (targets, predictions) if finite else (targets[:0], predictions[:0])


def class_probabilities(pairs: Pairs, plain: bool = False) -> Arrays:
    """Class indices, int64 (N,), and probabilities, float64 (N, 1) of class 1 or (N, K).

    Args:
        plain: probabilities that are float32 stay so.
    """
    targets, probabilities = vectors(pairs, plain)
    classes = max(2, probabilities.shape[1])
    indices = _class_indices(targets, "target")
    if len(indices) and indices.max() >= classes:
        raise ValueError(
            f"a target is class {indices.max()}, but a prediction has the shape "
            f"{probabilities.shape[1:]}, the probabilities of {classes} classes: predict one "
            "probability for each class, or choose a metric of numbers such as mae"
        )
    return indices, probabilities


def decided_classes(pairs: Pairs) -> Arrays:
    """Class indices of targets and of decisions, both int64 (N,)."""
    targets, decisions = vectors(pairs)
    return _class_indices(targets, "target"), _class_indices(decisions, "decision")


def label_probabilities(pairs: Pairs, plain: bool = False) -> Arrays:
    """Targets 0 or 1 and probabilities, both float64 (N, K), one column per label.

    Args:
        plain: probabilities that are float32 stay so.
    """
    targets, probabilities = columns(pairs, plain)
    _check_labels(targets, "target")
    return targets, probabilities


def decided_labels(pairs: Pairs) -> Arrays:
    """Targets and decisions, both int64 (N, K), 0 or 1, one column per label."""
    import numpy as np

    targets, decisions = columns(pairs)
    _check_labels(targets, "target")
    _check_labels(decisions, "decision")
    return targets.astype(np.int64), decisions.astype(np.int64)


def columns(pairs: Pairs, plain: bool = False) -> Arrays:
    """Targets and predictions, both float64 (N, K).

    Args:
        plain: predictions that are float32 stay so.
    """
    targets, predictions = vectors(pairs, plain)
    if targets.shape != predictions.shape:
        raise ValueError(
            f"targets have shape {targets.shape[1:]} and predictions {predictions.shape[1:]}: "
            "this metric needs one prediction per target value"
        )
    return targets, predictions


def check_same_shape(target: np.ndarray, prediction: np.ndarray) -> None:
    """Raise a ValueError unless both arrays of one sample have the same shape."""
    if target.shape != prediction.shape:
        raise ValueError(
            f"a target has shape {target.shape} and its prediction {prediction.shape}: "
            "this metric needs equal shapes"
        )


def clip_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """The probabilities, clipped to 0..1: a mean of float32 values can round to above 1.

    Raises:
        ValueError: a value is more than 1e-6 outside 0..1.
    """
    import numpy as np

    low, high = probabilities.min(initial=0), probabilities.max(initial=1)
    if low < -1e-6 or high > 1 + 1e-6:
        raise ValueError(
            f"predictions from {probabilities.min():g} to {probabilities.max():g} are not "
            "probabilities: use an activation such as a sigmoid"
        )
    clipped: np.ndarray = np.clip(probabilities, 0, 1)
    return clipped


def surprise(chances: np.ndarray) -> np.ndarray:
    """The negative logarithm of probabilities of what happened, which are clipped as scikit-learn
    does."""
    import numpy as np

    epsilon = np.finfo(np.float64).eps
    losses: np.ndarray = -np.log(np.clip(chances, epsilon, 1 - epsilon))
    return losses


def _matrix(rows: list[np.ndarray], role: str) -> np.ndarray:
    """Rows of equal shape, () or (K,), as float64 (N, K)."""
    import numpy as np

    if not rows:
        return np.zeros((0, 1))
    shapes = sorted({np.shape(row) for row in rows})
    if len(shapes) > 1:
        raise ValueError(
            f"{role} have shapes {shapes[0]} and {shapes[1]}: every sample needs the same shape"
        )
    if len(shapes[0]) > 1:
        raise ValueError(
            f"{role} have shape {shapes[0]}, and this metric compares vectors: "
            "choose a metric of images, such as rmse, dice or iou"
        )
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def _class_indices(values: np.ndarray, role: str) -> np.ndarray:
    """int64 (N,) of float64 (N, 1), which must contain whole numbers from 0."""
    import numpy as np

    if values.shape[1] != 1:
        raise ValueError(
            f"{role}s have shape {values.shape[1:]}, and this metric needs one class index each, "
            "shape (1,): for several labels choose a metric such as mean-auc or f1-samples"
        )
    column = values[:, 0]
    invalid = column[~((column >= 0) & (np.floor(column) == column))]
    if len(invalid):
        raise ValueError(f"a {role} is {invalid[0]:g}, not a class index: {_CLASS_ADVICE[role]}")
    return column.astype(np.int64)


_CLASS_ADVICE = {
    "target": "number the classes from 0",
    "decision": "decide for a class before you score",
}


def _check_labels(values: np.ndarray, role: str) -> None:
    invalid = values[(values != 0) & (values != 1)]
    if len(invalid):
        advice = "decide with a threshold before you score" if role == "decision" else "encode it"
        raise ValueError(f"the {role} of a label is {invalid[0]:g}, not 0 or 1: {advice}")
