"""Scaling of numbers for networks and linear models, fitted on training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

QUANTILES = 1000
"""Most quantiles of a column; fewer if there are fewer than 30 rows for each."""

MOST = 1000.0
"""Largest scaled number; it is reached by values that the training rows have nothing like."""


@dataclass(frozen=True)
class Scaling:
    """How each of F columns is scaled: quantiles to a normal distribution, or mean and deviation.

    `parameters` are quantiles (Q, F) as rows, or the rows of means and deviations (2, F).
    """

    how: Literal["quantile", "standard"]
    parameters: Sequence[Sequence[float]]

    @classmethod
    def fit(cls, numbers: np.ndarray, how: Literal["quantile", "standard"]) -> Scaling:
        """Fit on numbers float64 (N, F) with NaN for gaps. A column may not have only gaps."""
        import numpy as np

        if not numbers.shape[1]:
            return cls(how, ())
        if how == "standard":
            deviations = np.nanstd(numbers, axis=0)
            rows = [np.nanmean(numbers, axis=0), np.where(deviations > 0, deviations, 1.0)]
            return cls(how, [list(map(float, row)) for row in rows])
        count = max(min(len(numbers) // 30, QUANTILES), min(len(numbers), 10), 2)
        scaler = _transformer(count).fit(numbers)
        return cls(how, scaler.quantiles_.tolist())

    def apply(self, numbers: np.ndarray) -> np.ndarray:
        """Scaled numbers float32 (N, F), with 0 for NaN."""
        import numpy as np

        if not numbers.shape[1] or not len(numbers):
            return np.zeros(numbers.shape, dtype=np.float32)
        parameters = np.array(self.parameters)
        if self.how == "standard":
            scaled = np.clip((numbers - parameters[0]) / parameters[1], -MOST, MOST)
        else:
            scaler = _transformer(len(parameters))
            scaler.quantiles_, scaler.n_quantiles_ = parameters, len(parameters)
            scaler.references_ = np.linspace(0, 1, len(parameters), endpoint=True)
            scaler.n_features_in_ = parameters.shape[1]
            scaled = scaler.transform(numbers)
        filled: np.ndarray = np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)
        return filled.astype(np.float32)


def _transformer(quantiles: int) -> Any:
    from sklearn.preprocessing import QuantileTransformer

    return QuantileTransformer(
        n_quantiles=quantiles, output_distribution="normal", subsample=None, random_state=0
    )
