"""The boosted trees of XGBoost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from comp.estimators.library import Part, Problem, Search

if TYPE_CHECKING:
    import numpy as np

OBJECTIVES = {
    "number": "reg:squarederror",
    "binary": "binary:logistic",
    "classes": "multi:softprob",
}
LOSSES = {"number": "rmse", "binary": "logloss", "classes": "mlogloss"}


class XgboostTrees:
    """A `Library` of `xgboost.Booster`; its bytes are XGBoost's own binary JSON."""

    def search(
        self, problem: Problem, train: Part, held_out: Part, deadline: float | None
    ) -> Search:
        """See `Library`."""
        import xgboost

        class StopAt(xgboost.callback.TrainingCallback):  # type: ignore[misc]
            late = False

            def after_iteration(self, _model: Any, _epoch: int, _scores: Any) -> bool:
                self.late = deadline is not None and time.monotonic() > deadline
                return self.late

        start, stop = time.monotonic(), StopAt()
        booster = xgboost.train(
            self._parameters(problem),
            self._rows(problem, train),
            num_boost_round=problem.settings.iterations,
            evals=[(self._rows(problem, held_out), "validation")],
            early_stopping_rounds=problem.settings.patience,
            callbacks=[stop],
            verbose_eval=False,
        )
        trees = max(booster.num_boosted_rounds(), 1)
        return Search(booster.best_iteration + 1, (time.monotonic() - start) / trees, stop.late)

    def fit(self, problem: Problem, part: Part, iterations: int) -> Any:
        """See `Library`."""
        import xgboost

        rows = self._rows(problem, part)
        return xgboost.train(self._parameters(problem), rows, num_boost_round=iterations)

    def _rows(self, problem: Problem, part: Part) -> Any:
        return self._matrix(problem, part.values, label=part.target, weight=part.weights)

    def _matrix(self, problem: Problem, values: np.ndarray, **more: Any) -> Any:
        import xgboost

        return xgboost.DMatrix(
            values,
            feature_types=["c" if is_code else "q" for is_code in problem.categorical],
            enable_categorical=True,
            nthread=problem.threads,
            **more,
        )

    def _parameters(self, problem: Problem) -> dict[str, Any]:
        settings = problem.settings
        return {
            "objective": OBJECTIVES[problem.objective],
            "eval_metric": LOSSES[problem.objective],
            **({"num_class": problem.classes} if problem.objective == "classes" else {}),
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "learning_rate": settings.lr,
            "max_leaves": settings.leaves,
            "max_depth": settings.depth or 0,
            "min_child_weight": settings.min_leaf if problem.objective == "number" else 1,
            "lambda": settings.l2,
            "colsample_bynode": settings.columns,
            "subsample": settings.rows,
            "nthread": problem.threads,
            "seed": problem.seed % 2**31,
            "verbosity": 0,
        }

    def predict(self, problem: Problem, model: Any, values: np.ndarray) -> np.ndarray:
        """See `Library`."""
        import numpy as np

        predicted: np.ndarray = model.predict(self._matrix(problem, values))
        predicted = predicted.astype(np.float64)
        if problem.objective == "binary":
            return np.stack([1 - predicted, predicted], axis=1)
        return predicted.reshape(len(values), -1)

    def dump(self, model: Any) -> bytes:
        """See `Library`."""
        return bytes(model.save_raw("ubj"))

    def load(self, data: bytes) -> Any:
        """See `Library`."""
        import xgboost

        try:
            return xgboost.Booster(model_file=bytearray(data))
        except xgboost.core.XGBoostError as error:
            raise ValueError(str(error)) from None
