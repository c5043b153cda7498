"""The boosted trees of CatBoost."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.estimators.library import Part, Problem, Search

if TYPE_CHECKING:
    import numpy as np

LOSSES = {"number": "RMSE", "binary": "Logloss", "classes": "MultiClass"}


class CatboostTrees:
    """A `Library` of `catboost.CatBoost`; its bytes are CatBoost's own binary format."""

    def search(
        self, problem: Problem, train: Part, held_out: Part, deadline: float | None
    ) -> Search:
        """See `Library`."""

        class StopAt:
            late = False

            def after_iteration(self, _info: Any) -> bool:
                self.late = deadline is not None and time.monotonic() > deadline
                return not self.late

        start, stop = time.monotonic(), StopAt()
        model = self._model(problem, problem.settings.iterations, use_best_model=False)
        model.fit(
            self._pool(problem, train.values, label=train.target, weight=train.weights),
            eval_set=self._pool(
                problem, held_out.values, label=held_out.target, weight=held_out.weights
            ),
            early_stopping_rounds=problem.settings.patience,
            callbacks=[stop],
        )
        best = model.get_best_iteration() or 0
        seconds = (time.monotonic() - start) / max(model.tree_count_, 1)
        return Search(best + 1, seconds, stop.late)

    def fit(self, problem: Problem, part: Part, iterations: int) -> Any:
        """See `Library`."""
        model = self._model(problem, iterations)
        pool = self._pool(problem, part.values, label=part.target, weight=part.weights)
        return model.fit(pool)

    def _model(self, problem: Problem, iterations: int, **more: Any) -> Any:
        from catboost import CatBoost

        settings = problem.settings
        parameters = {
            "loss_function": LOSSES[problem.objective],
            **({"classes_count": problem.classes} if problem.objective == "classes" else {}),
            "iterations": iterations,
            "learning_rate": settings.lr,
            "depth": min(settings.depth or 6, 16),
            "l2_leaf_reg": settings.l2,
            "rsm": settings.columns,
            "bootstrap_type": "Bernoulli",
            "subsample": settings.rows,
            "random_seed": problem.seed % 2**31,
            "thread_count": problem.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
            **more,
        }
        return CatBoost(parameters)

    def _pool(self, problem: Problem, values: np.ndarray, **more: Any) -> Any:
        """The rows, with codes of categories as text."""
        import numpy as np
        import pandas as pd
        from catboost import Pool

        table = pd.DataFrame(values, columns=[str(i) for i in range(values.shape[1])])
        codes = [str(i) for i in np.flatnonzero(problem.categorical)]
        for name in codes:
            table[name] = table[name].fillna(-1).astype(int).astype(str)
        return Pool(table, cat_features=codes, **more)

    def predict(self, problem: Problem, model: Any, values: np.ndarray) -> np.ndarray:
        """See `Library`."""
        import numpy as np

        kind = "RawFormulaVal" if problem.objective == "number" else "Probability"
        predicted = model.predict(
            self._pool(problem, values), prediction_type=kind, thread_count=problem.threads
        )
        return np.asarray(predicted, dtype=np.float64).reshape(len(values), -1)

    def dump(self, model: Any) -> bytes:
        """See `Library`; without the time of the fit and a random name, which CatBoost adds."""
        metadata = model.get_metadata()
        for name in ("train_finish_time", "model_guid"):
            metadata[name] = "-"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            model.save_model(str(path))
            return path.read_bytes()

    def load(self, data: bytes) -> Any:
        """See `Library`."""
        from catboost import CatBoost, CatBoostError

        try:
            return CatBoost().load_model(blob=data)
        except CatBoostError as error:
            raise ValueError(str(error)) from None
