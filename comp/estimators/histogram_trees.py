"""The boosted trees of scikit-learn: HistGradientBoosting."""

from __future__ import annotations

import io
import pickle
import time
from typing import TYPE_CHECKING, Any

from comp.estimators.library import Part, Problem, Search

if TYPE_CHECKING:
    import numpy as np

FIRST = 50
"""Trees before the first look at the clock."""
GROWTH = 1.5
"""Factor between the numbers of trees at two looks."""
_TREES = "sklearn.ensemble._hist_gradient_boosting."
_NAMES = {
    "builtins": "slice",
    "functools": "partial",
    "numpy": "dtype float32 float64 int64 ndarray uint8 uint32",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy._core.numeric": "_frombuffer",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "sklearn._loss._loss": "CyHalfBinomialLoss CyHalfMultinomialLoss CyHalfSquaredError "
    "__pyx_unpickle_CyHalfMultinomialLoss",
    "sklearn._loss.link": "IdentityLink Interval LogitLink MultinomialLogit",
    "sklearn._loss.loss": "HalfBinomialLoss HalfMultinomialLoss HalfSquaredError",
    "sklearn.compose._column_transformer": "ColumnTransformer",
    "sklearn.preprocessing._encoders": "OrdinalEncoder",
    "sklearn.preprocessing._function_transformer": "FunctionTransformer",
    "sklearn.preprocessing._label": "LabelEncoder",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils.validation": "check_array",
    f"{_TREES}binning": "_BinMapper",
    f"{_TREES}gradient_boosting": "HistGradientBoostingClassifier HistGradientBoostingRegressor",
    f"{_TREES}predictor": "TreePredictor",
}
"""What the pickle of a model contains, by module."""


class HistogramTrees:
    """A `Library` of `sklearn.ensemble.HistGradientBoostingRegressor` and `...Classifier`."""

    def search(
        self, problem: Problem, train: Part, held_out: Part, deadline: float | None
    ) -> Search:
        """See `Library`. The clock is read after some trees, each time half as many more."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        settings = problem.settings
        start = time.monotonic()
        model = self._model(problem, early_stopping=True, warm_start=True)
        trees = min(FIRST, settings.iterations)
        with threadpool_limits(problem.threads, user_api="openmp"):
            while True:
                model.set_params(max_iter=trees)
                model.fit(
                    train.values,
                    train.target,
                    sample_weight=train.weights,
                    X_val=held_out.values,
                    y_val=held_out.target,
                    sample_weight_val=held_out.weights,
                )
                now = time.monotonic()
                late = deadline is not None and now + (GROWTH - 1) * (now - start) > deadline
                ended = model.n_iter_ < trees or trees == settings.iterations
                if late or ended:
                    break
                trees = min(int(trees * GROWTH), settings.iterations)
        scores = model.validation_score_  # of 0, 1, 2, ... trees, larger is better
        best = int(np.argmax(scores))
        return Search(max(best, 1), (now - start) / model.n_iter_, not ended)

    def fit(self, problem: Problem, part: Part, iterations: int) -> Any:
        """See `Library`."""
        from threadpoolctl import threadpool_limits

        model = self._model(problem, early_stopping=False, max_iter=iterations)
        with threadpool_limits(problem.threads, user_api="openmp"):
            return model.fit(part.values, part.target, sample_weight=part.weights)

    def _model(self, problem: Problem, **more: Any) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        settings = problem.settings
        numbers = problem.objective == "number"
        made = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
        return made(
            learning_rate=settings.lr,
            max_leaf_nodes=settings.leaves,
            max_depth=settings.depth,
            min_samples_leaf=settings.min_leaf,
            l2_regularization=settings.l2,
            max_features=settings.columns,
            categorical_features=problem.categorical if problem.categorical.any() else None,
            n_iter_no_change=settings.patience,
            scoring="loss",
            tol=0,
            random_state=problem.seed,
            **more,
        )

    def predict(self, problem: Problem, model: Any, values: np.ndarray) -> np.ndarray:
        """See `Library`."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(problem.threads, user_api="openmp"):
            if problem.objective == "number":
                numbers: np.ndarray = model.predict(values)[:, None]
                return numbers
            shares: np.ndarray = model.predict_proba(values)
            return shares

    def dump(self, model: Any) -> bytes:
        """See `Library`; a pickle."""
        return pickle.dumps(model, protocol=5)

    def load(self, data: bytes) -> Any:
        """See `Library`; the pickle may contain trees of scikit-learn and arrays alone."""
        try:
            return _TreesUnpickler(io.BytesIO(data)).load()
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError) as error:
            raise ValueError(str(error)) from None


class _TreesUnpickler(pickle.Unpickler):
    """Reads only what the pickle of a model contains."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of a name, if it is known.

        Raises:
            UnpicklingError: it is not.
        """
        if name in _NAMES.get(module, "").split():
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it contains {module}.{name}")
