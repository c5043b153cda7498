"""Boosted trees of one target: a column of numbers, a label, or all classes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comp.config.estimators import GbdtConfig
from comp.data.cores import cores
from comp.estimators.inner_split import inner_split
from comp.estimators.library import Library, Part, Problem, Search

if TYPE_CHECKING:
    import numpy as np

WITHOUT_SEARCH = 100
"""Trees if there are too few rows to choose their number."""
SEARCH_SHARE = 0.4
"""Share of the time that the choice of the number of trees may take."""


class Output:
    """The models of one target: `gbdt.bags` fits with other seeds, whose predictions are averaged.

    `classes` are the classes of the training rows, () for numbers. With one class alone there is
    nothing to learn, and no model. `iterations` are the trees of a model, and `late` says whether
    the deadline made them fewer.
    """

    def __init__(self, library: Library, settings: GbdtConfig, seed: int) -> None:
        self.library, self.settings, self.seed = library, settings, seed
        self.classes: tuple[int, ...] = ()
        self.iterations, self.late = 0, False
        self.mean, self.deviation = 0.0, 1.0
        self._problem: Problem | None = None
        self._models: list[Any] = []

    @property
    def fitted(self) -> Sequence[Any]:
        """The models of the library; empty if there is one class alone."""
        return self._models

    def fit(
        self,
        part: Part,
        categorical: np.ndarray,
        is_classes: bool,
        groups: Sequence[object] | None,
        deadline: float | None,
    ) -> None:
        """Choose the number of trees, then fit on all rows; see `Boosting.fit`."""
        import numpy as np

        if is_classes:
            present, codes = np.unique(part.target.astype(np.int64), return_inverse=True)
            self.classes = tuple(int(index) for index in present)
            part = replace(part, target=codes.astype(np.int64))
            if len(present) == 1:
                return
        else:
            self.mean, self.deviation = float(part.target.mean()), float(part.target.std())
            if not self.deviation > 0:
                self.deviation = 1.0
            part = replace(part, target=(part.target - self.mean) / self.deviation)
        self._problem = self._make_problem(categorical)
        self.iterations, seconds, self.late = self._search(part, groups, deadline)
        if deadline is not None:
            left = max(deadline - time.monotonic(), 0)
            possible = int(left / max(seconds * self.settings.bags, 1e-9))
            self.late |= possible < self.iterations
            self.iterations = max(min(self.iterations, possible), 1)
        self._models = [
            self.library.fit(replace(self._problem, seed=self.seed + bag), part, self.iterations)
            for bag in range(self.settings.bags)
        ]

    def _make_problem(self, categorical: np.ndarray) -> Problem:
        count = len(self.classes)
        return Problem(
            objective="number" if not count else "binary" if count == 2 else "classes",
            classes=count,
            categorical=categorical,
            settings=self.settings,
            threads=self.settings.threads or cores(),
            seed=self.seed,
        )

    def _search(
        self, part: Part, groups: Sequence[object] | None, deadline: float | None
    ) -> Search:
        """The number of trees for a fit on all rows, and the seconds that each will take."""
        assert self._problem is not None
        most = self.settings.iterations
        parts = self._inner_parts(part, groups)
        if parts is None:
            return Search(min(WITHOUT_SEARCH, most), 0.0, False)
        start = time.monotonic()
        end = None if deadline is None else start + SEARCH_SHARE * max(deadline - start, 0)
        train, held_out = parts
        found = self.library.search(self._problem, train, held_out, end)
        growth = len(part.target) / len(train.target)
        # More rows bear more trees; the rule of thumb is as many more.
        trees = min(max(round(found.trees * growth), 1), most)
        return Search(trees, found.seconds * growth, found.late)

    def _inner_parts(self, part: Part, groups: Sequence[object] | None) -> tuple[Part, Part] | None:
        """The rows to train on and those held out, of classes that are among the former; None if
        there are too few."""
        import numpy as np

        classes = part.target if self.classes else None
        rows, share = len(part.target), self.settings.holdout
        split = inner_split(classes, rows, groups, share, self.seed)
        if split is None:
            return None
        train, held_out = split
        if classes is not None:
            present = np.unique(classes[train])
            held_out = held_out[np.isin(classes[held_out], present)]
            if len(present) < 2 or not len(held_out):
                return None
        return part.rows(train), part.rows(held_out)

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Numbers (N, 1), or shares of `classes` (N, classes), float64."""
        import numpy as np

        if self._problem is None:
            return np.ones((len(values), 1))
        predicted = [self.library.predict(self._problem, model, values) for model in self._models]
        mean: np.ndarray = np.mean(predicted, axis=0)
        return mean if self.classes else mean * self.deviation + self.mean

    def description(self) -> dict[str, Any]:
        """What `restore` needs beside the models, in values of JSON."""
        return {
            "classes": self.classes,
            "iterations": self.iterations,
            "late": self.late,
            "mean": self.mean,
            "deviation": self.deviation,
            "models": len(self._models),
        }

    def models(self) -> list[bytes]:
        """The models as bytes."""
        return [self.library.dump(model) for model in self._models]

    def restore(
        self, description: Mapping[str, Any], models: Sequence[bytes], categorical: np.ndarray
    ) -> None:
        """Become what `description` and `models` were taken of."""
        self.classes = tuple(description["classes"])
        self.iterations, self.late = description["iterations"], description["late"]
        self.mean, self.deviation = description["mean"], description["deviation"]
        self._models = [self.library.load(data) for data in models]
        if self._models:
            self._problem = self._make_problem(categorical)
