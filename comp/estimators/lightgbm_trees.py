"""The boosted trees of LightGBM."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from comp.estimators.library import Part, Problem, Search

if TYPE_CHECKING:
    import numpy as np

OBJECTIVES = {"number": "regression", "binary": "binary", "classes": "multiclass"}


class LightgbmTrees:
    """A `Library` of `lightgbm.Booster`; its bytes are LightGBM's own text."""

    def search(
        self, problem: Problem, train: Part, held_out: Part, deadline: float | None
    ) -> Search:
        """See `Library`."""
        import lightgbm

        start = time.monotonic()
        rows = self._dataset(problem, train)
        stop = _stop_at(deadline)
        patience = problem.settings.patience
        booster = lightgbm.train(
            self._parameters(problem, len(train.target)),
            rows,
            num_boost_round=problem.settings.iterations,
            valid_sets=[self._dataset(problem, held_out, reference=rows)],
            callbacks=[lightgbm.early_stopping(patience, verbose=False), stop],
        )
        trees = max(booster.current_iteration(), 1)
        return Search(max(booster.best_iteration, 1), (time.monotonic() - start) / trees, stop.late)

    def fit(self, problem: Problem, part: Part, iterations: int) -> Any:
        """See `Library`."""
        import lightgbm

        rows = self._dataset(problem, part)
        return lightgbm.train(
            self._parameters(problem, len(part.target)), rows, num_boost_round=iterations
        )

    def _dataset(self, problem: Problem, part: Part, reference: Any = None) -> Any:
        import lightgbm
        import numpy as np

        return lightgbm.Dataset(
            part.values,
            part.target,
            weight=part.weights,
            reference=reference,
            categorical_feature=[int(i) for i in np.flatnonzero(problem.categorical)],
            params={"verbosity": -1},
        )

    def _parameters(self, problem: Problem, rows: int) -> dict[str, Any]:
        settings = problem.settings
        return {
            "objective": OBJECTIVES[problem.objective],
            "num_class": problem.classes if problem.objective == "classes" else 1,
            "learning_rate": settings.lr,
            "num_leaves": settings.leaves,
            "max_depth": settings.depth or -1,
            "min_data_in_leaf": settings.min_leaf,
            "min_data_per_group": min(max(settings.min_leaf, rows // 100), 100),
            "lambda_l2": settings.l2,
            "feature_fraction": settings.columns,
            "bagging_fraction": settings.rows,
            "bagging_freq": 1 if settings.rows < 1 else 0,
            "num_threads": problem.threads,
            "seed": problem.seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def predict(self, problem: Problem, model: Any, values: np.ndarray) -> np.ndarray:
        """See `Library`."""
        import numpy as np

        predicted: np.ndarray = model.predict(values, num_threads=problem.threads)
        if problem.objective == "binary":
            return np.stack([1 - predicted, predicted], axis=1)
        return predicted.reshape(len(values), -1)

    def dump(self, model: Any) -> bytes:
        """See `Library`."""
        return str(model.model_to_string(num_iteration=-1)).encode()

    def load(self, data: bytes) -> Any:
        """See `Library`."""
        import lightgbm

        try:
            return lightgbm.Booster(model_str=data.decode())
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(str(error)) from None


def _stop_at(deadline: float | None) -> Any:
    """A callback that ends the training when the deadline has passed."""
    from lightgbm.callback import EarlyStopException

    best: list[Any] = []

    def stop(environment: Any) -> None:
        score = environment.evaluation_result_list[0][2]
        if not best or score < best[0][2]:
            best[:] = [environment.evaluation_result_list[0]]
            stop.iteration = environment.iteration  # type: ignore[attr-defined]
        if deadline is not None and time.monotonic() > deadline:
            stop.late = True  # type: ignore[attr-defined]
            raise EarlyStopException(stop.iteration, best)  # type: ignore[attr-defined]

    stop.late = False  # type: ignore[attr-defined]
    stop.order = 40  # type: ignore[attr-defined]
    return stop
