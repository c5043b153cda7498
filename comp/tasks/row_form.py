"""The cells of a row of a submission, from the prediction of an image and its decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class RowForm:
    """What a row contains after the id, in values of JSON. `comp.tasks.table.Table` explains
    `submit`, `columns`, `separator`, `top`, `decided` and `exact`."""

    submit: str
    columns: Sequence[str]
    labels: Sequence[str]
    """The labels of the task."""
    names: Sequence[str]
    """The columns in the order of the predictions."""
    grades: Sequence[float] | None = None
    """The number of each class; None if the task has labels or numbers."""
    separator: str = " "
    top: int = 5
    decided: bool = True
    exact: bool = False

    def cells(self, prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
        """The cell of each of `columns`.

        The prediction is (K,); the decision is (1,), the index of the class or grade, or has one
        value for each label; it is the prediction itself if the task makes none.
        """
        cells = dict(zip(self.names, self._values(prediction, decision), strict=True))
        return {name: cells[name] for name in self.columns}

    def _values(self, prediction: np.ndarray, decision: np.ndarray) -> list[Any]:
        values, labels = prediction.astype("float64"), self.labels
        if self.submit == "probability":
            return [values[0]]
        if self.submit == "numbers":
            return self._numbers(prediction, decision)
        if self.submit == "labels":
            chosen = [name for name, value in zip(labels, decision, strict=True) if value]
            return [self.separator.join(chosen)]
        if self.submit in ("probabilities", "top"):
            shares = [1 - values[0], values[0]] if len(values) < len(labels) else values.tolist()
            if self.submit == "probabilities":
                return shares
            best = sorted(range(len(labels)), key=lambda index: -shares[index])  # stable, as MAP@k
            return [self.separator.join(labels[index] for index in best[: self.top])]
        index = int(decision[0])
        return [labels[index] if self.submit == "label" else index]

    def _numbers(self, prediction: np.ndarray, decision: np.ndarray) -> list[Any]:
        if self.grades is None:
            if self.decided:
                return [int(value) for value in decision]
            return _texts(prediction) if self.exact else prediction.astype("float64").tolist()
        numbers = [float(number) for number in self.grades]
        if self.decided:
            number = numbers[int(decision[0])]
            return [int(number) if number.is_integer() else number]
        # An expected grade is within 0..K-1, but for a blank prediction at the limits of the file.
        return [numbers[0] + min(max(float(prediction[0]), 0.0), len(numbers) - 1.0)]


def _texts(values: np.ndarray) -> list[str]:
    """The shortest decimal numbers that are these float32 numbers."""
    import numpy as np

    numbers = values.astype(np.float32)
    return [np.format_float_positional(number, unique=True, trim="-") for number in numbers]
