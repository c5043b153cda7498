"""The trees of a fold: how they read rows, and rows that try every decision of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.sample import Sample
from comp.data.columns.matrices import Matrix
from comp.data.columns.treatment import Treatment
from comp.errors import RunError
from comp.estimators.boosting import Boosting
from comp.estimators.estimator import load_estimator
from comp.export.networks import Entries, Part
from comp.export.tree_graph import VALUES
from comp.export.tree_nodes import forest_of, thresholds_of
from comp.pipeline.fold_columns import FoldColumns
from comp.pipeline.members import ESTIMATOR, estimate_of
from comp.pipeline.run_oof import RunOof

PROBES = 256
"""Made rows on which a file is compared with its trees."""
_GAPS, _PROBED = 0.15, 0.5


@dataclass(frozen=True, kw_only=True)
class LoadedTrees:
    """The trees of a fold, as `comp.export.networks.Loaded` is a network."""

    part: Part
    estimator: Boosting
    run: RunOof
    treatment: Treatment

    @classmethod
    def of(cls, run: RunOof, part: Part) -> LoadedTrees:
        """The trees of a part.

        Raises:
            RunError: a file is missing or damaged.
        """
        estimator = load_estimator(part.folder / ESTIMATOR)
        if not isinstance(estimator, Boosting):
            raise RunError(f"{part.folder / ESTIMATOR} has no trees: train the fold again")
        treatment = FoldColumns.load(part.folder).treatment
        return cls(part=part, estimator=estimator, run=run, treatment=treatment)

    def read(self, samples: Sequence[Sample]) -> Entries:
        """The matrix of samples."""
        return {VALUES: self._matrix(samples).values}

    def _matrix(self, samples: Sequence[Sample]) -> Matrix:
        return self.treatment.for_trees([sample.features for sample in samples])

    def predict(self, entries: Entries) -> np.ndarray:
        """The predictions of comp itself, float32 (N, K)."""
        width = entries[VALUES].shape[1]
        matrix = Matrix(
            values=entries[VALUES],
            names=("",) * width,
            categorical=np.zeros(width, dtype=bool),
        )
        return estimate_of(self.run.competition.task).predict(self.estimator.predict(matrix))

    def probes(self, samples: Sequence[Sample]) -> Entries:
        """Rows of samples with other cells: values at and beside thresholds, gaps, and categories
        of any code, of which some are unknown."""
        matrix = self._matrix(samples)
        rng = np.random.default_rng(self.part.seed)
        values = matrix.values[rng.integers(0, len(samples), PROBES)].copy()
        for output in self.estimator.targets:
            for model in output.fitted:
                for column, splits in thresholds_of(forest_of(model)).items():
                    chosen = rng.random(PROBES) < _PROBED
                    drawn = rng.choice(splits, PROBES)
                    side = rng.choice([-np.inf, np.nan, np.inf], PROBES)
                    beside = np.where(np.isnan(side), drawn, np.nextafter(drawn, side))
                    values[chosen, column] = beside[chosen]
        levels = self.treatment.features.levels
        first = len(matrix.names) - len(levels)
        for column, names in enumerate(levels.values(), start=first):
            chosen = rng.random(PROBES) < _PROBED
            values[chosen, column] = rng.integers(0, len(names) + 2, PROBES)[chosen]
        values[rng.random(values.shape) < _GAPS] = np.nan
        return {VALUES: values}
