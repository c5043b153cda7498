"""Nearest neighbours: the mean of the targets of near training rows, the nearer the heavier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.estimators import KnnConfig
from comp.data.columns.matrices import Matrix
from comp.estimators.archive import array_bytes, bytes_array, unreadable, write_archive
from comp.estimators.inner_split import inner_split

if TYPE_CHECKING:
    import numpy as np

NEIGHBORS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 100)
"""Numbers of neighbours to choose from."""
HOLDOUT = 0.2
"""Share of the training rows on which the number is chosen."""
MOST_ROWS = 100_000
"""Training rows that are kept, a random part if there are more."""


class Knn:
    """An estimator of nearest neighbours.

    The distance is Euclidean between scaled columns, and the cosine of the angle between
    embeddings. With both, each part counts as much as the other.

    Args:
        kind: classes, labels or values.
        outputs: classes, labels or columns K.
    """

    def __init__(self, settings: KnnConfig, kind: str, outputs: int, seed: int) -> None:
        self.settings, self.kind, self.outputs, self.seed = settings, kind, outputs, seed
        self.neighbors = settings.neighbors or 0
        self._arrays: dict[str, np.ndarray] = {}

    def fit(
        self,
        x: Matrix,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        groups: Sequence[object] | None = None,
        deadline: float | None = None,  # noqa: ARG002 - the fit is short
    ) -> None:
        """Choose the number of neighbours on held-out rows, and keep all rows; see
        `Estimator.fit`."""
        import numpy as np

        targets = np.asarray(y)
        values = _comparable(x)
        if self.kind == "classes":
            targets = np.eye(self.outputs, dtype=np.float64)[targets.astype(np.int64)]
        weights = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        if len(x) > MOST_ROWS:
            kept = np.sort(np.random.default_rng(self.seed).permutation(len(x))[:MOST_ROWS])
            values, targets, weights = values[kept], targets[kept], weights[kept]
            groups = None if groups is None else [groups[i] for i in kept]
        self._arrays = {"values": values, "targets": targets, "weights": weights}
        if self.settings.neighbors is None:
            self.neighbors = self._choose(groups)
        self.neighbors = min(self.neighbors, len(values))

    def _choose(self, groups: Sequence[object] | None) -> int:
        """The number of neighbours with the least squared error on held-out rows."""
        import numpy as np

        targets = self._arrays["targets"]
        classes = targets.argmax(axis=1) if self.kind == "classes" else None
        split = inner_split(classes, len(targets), groups, HOLDOUT, self.seed)
        if split is None:
            return NEIGHBORS[3]
        train, held_out = split
        known = {name: array[train] for name, array in self._arrays.items()}
        numbers = [count for count in NEIGHBORS if count <= len(train)]
        means = _means(known, self._arrays["values"][held_out], numbers)
        spread = np.maximum(targets.var(axis=0), 1e-12)
        errors = [float((((m - targets[held_out]) ** 2) / spread).mean()) for m in means]
        return numbers[int(np.argmin(errors))]

    def predict(self, x: Matrix) -> np.ndarray:
        """float32 (N, K), see `Estimator.predict`."""
        import numpy as np

        return _means(self._arrays, _comparable(x), [self.neighbors])[0].astype(np.float32)

    def record(self) -> dict[str, Any]:
        """The number of neighbours."""
        return {"neighbors": self.neighbors}

    def save(self, path: Path) -> None:
        """Write one file, with the training rows."""
        description = {
            "name": "knn",
            "kind": self.kind,
            "outputs": self.outputs,
            "seed": self.seed,
            "settings": self.settings.model_dump(),
            "neighbors": self.neighbors,
        }
        files = {f"{name}.npy": array_bytes(array) for name, array in self._arrays.items()}
        write_archive(path, description, files)

    @classmethod
    def load(cls, path: Path, description: Mapping[str, Any], files: Mapping[str, bytes]) -> Knn:
        """The estimator of an archive.

        Raises:
            RunError: the file is damaged, or not one of an estimator.
        """
        try:
            settings = KnnConfig(**description["settings"])
            found = cls(settings, *(description[key] for key in ("kind", "outputs", "seed")))
            found.neighbors = description["neighbors"]
            names = ("values", "targets", "weights")
            found._arrays = {name: bytes_array(files[f"{name}.npy"]) for name in names}
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from None
        return found


def _comparable(x: Matrix) -> np.ndarray:
    """Rows float32 (N, F) whose Euclidean distance compares them: columns of the mean square 1
    together, and embeddings of length 1."""
    import numpy as np

    count = x.values.shape[1] - x.embedded
    columns, embeddings = x.values[:, :count], x.values[:, count:]
    if x.embedded:
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        embeddings = embeddings / np.maximum(lengths, 1e-12)
    columns = columns / np.sqrt(max(count, 1))
    return np.concatenate([columns, embeddings], axis=1).astype(np.float32)


def _means(
    known: Mapping[str, np.ndarray], values: np.ndarray, numbers: Sequence[int]
) -> list[np.ndarray]:
    """The weighted means of the targets (N, K) of the nearest rows, for each number of rows."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    if not len(values):
        return [np.zeros((0, known["targets"].shape[1])) for _ in numbers]
    search = NearestNeighbors(n_neighbors=max(numbers)).fit(known["values"])
    distances, indices = search.kneighbors(values)
    nearness = known["weights"][indices] / (distances + 1e-6)
    weighted = known["targets"][indices] * nearness[:, :, None]
    return [
        weighted[:, :count].sum(axis=1) / nearness[:, :count].sum(axis=1, keepdims=True)
        for count in numbers
    ]
