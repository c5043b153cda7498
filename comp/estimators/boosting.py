"""Boosted trees of any library: early stopping on held-out rows, then a fit on all rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.estimators import GbdtConfig
from comp.data.columns.matrices import Matrix
from comp.estimators.archive import array_bytes, bytes_array, unreadable, write_archive
from comp.estimators.library import Library, Part
from comp.estimators.output import Output

if TYPE_CHECKING:
    import numpy as np

COMPONENTS = 64
"""Most principal components that trees get of an embedding."""


class Boosting:
    """An estimator of boosted trees.

    Labels and values have one model each, classes one model of all. A class that is not among the
    training rows gets the share 0. The same rows and threads give the same bytes, unless the
    deadline stops a fit.

    Args:
        name: of the estimator.
        kind: classes, labels or values.
        outputs: classes, labels or columns K.
    """

    def __init__(
        self, name: str, library: Library, settings: GbdtConfig, kind: str, outputs: int, seed: int
    ) -> None:
        self.name, self.library, self.settings = name, library, settings
        self.kind, self.outputs, self.seed = kind, outputs, seed
        self._categorical: np.ndarray | None = None
        self._targets: list[Output] = []
        self._components: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def targets(self) -> Sequence[Output]:
        """The models of each target: one of all classes, or one for each label or column."""
        return self._targets

    def fit(
        self,
        x: Matrix,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        groups: Sequence[object] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Fit on all rows, with a number of trees chosen on held-out rows; see `Estimator.fit`."""
        import numpy as np

        self._components = principal_components(x)
        x = self._reduced(x)
        if weights is not None:
            weights = np.asarray(weights, dtype=np.float64) / np.mean(weights)
        part = Part(values=x.values, target=y, weights=weights)
        targets = [y] if self.kind == "classes" else [np.array(column) for column in y.T]
        self._categorical, self._targets = x.categorical, []
        for i, target in enumerate(targets):
            end = None
            if deadline is not None:
                now = time.monotonic()
                end = now + max(deadline - now, 0) / (len(targets) - i)
            output = Output(self.library, self.settings, self.seed)
            output.fit(
                replace(part, target=target), x.categorical, self.kind != "values", groups, end
            )
            self._targets.append(output)

    def predict(self, x: Matrix) -> np.ndarray:
        """float32 (N, K), see `Estimator.predict`."""
        import numpy as np

        values = self._reduced(x).values
        predicted = np.zeros((len(x), self.outputs))
        for i, output in enumerate(self._targets):
            shares = output.predict(values)
            if self.kind == "classes":
                predicted[:, output.classes] = shares
            elif self.kind == "values":
                predicted[:, i] = shares[:, 0]
            elif 1 in output.classes:
                predicted[:, i] = shares[:, output.classes.index(1)]
        return predicted.astype(np.float32)

    def record(self) -> dict[str, Any]:
        """The trees of the output with the most, those of each if there are several, and `late` if
        the deadline has made them fewer."""
        trees = [output.iterations for output in self._targets]
        late = any(output.late for output in self._targets)
        return {
            "iterations": max(trees),
            **({"trees": trees} if len(trees) > 1 else {}),
            **({"late": True} if late else {}),
        }

    def save(self, path: Path) -> None:
        """Write one file."""
        assert self._categorical is not None
        files = {"categorical.npy": array_bytes(self._categorical)}
        for i, output in enumerate(self._targets):
            files |= {f"{i}-{bag}": data for bag, data in enumerate(output.models())}
        if self._components is not None:
            mean, components = self._components
            files |= {"mean.npy": array_bytes(mean), "components.npy": array_bytes(components)}
        description = {
            "name": self.name,
            "kind": self.kind,
            "outputs": self.outputs,
            "seed": self.seed,
            "settings": self.settings.model_dump(),
            "targets": [output.description() for output in self._targets],
        }
        write_archive(path, description, files)

    @classmethod
    def load(
        cls,
        path: Path,
        library: Library,
        description: Mapping[str, Any],
        files: Mapping[str, bytes],
    ) -> Boosting:
        """The estimator of an archive.

        Raises:
            RunError: the file is damaged, or not one of an estimator.
        """
        try:
            settings = GbdtConfig(**description["settings"])
            kind, outputs, seed = (description[key] for key in ("kind", "outputs", "seed"))
            found = cls(description["name"], library, settings, kind, outputs, seed)
            found._categorical = bytes_array(files["categorical.npy"])
            for i, target in enumerate(description["targets"]):
                output = Output(library, settings, seed)
                models = [files[f"{i}-{bag}"] for bag in range(target["models"])]
                output.restore(target, models, found._categorical)
                found._targets.append(output)
            if "mean.npy" in files:
                mean, components = (bytes_array(files[f"{n}.npy"]) for n in ("mean", "components"))
                found._components = mean, components
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from None
        return found

    def _reduced(self, x: Matrix) -> Matrix:
        """The matrix with principal components in place of a wide embedding."""
        import numpy as np

        if self._components is None:
            return x
        mean, components = self._components
        columns = len(x.names) - x.embedded
        scores = (x.values[:, columns:] - mean) @ components.T
        return Matrix(
            values=np.concatenate([x.values[:, :columns], scores], axis=1),
            names=(*x.names[:columns], *(f"component {i}" for i in range(len(components)))),
            categorical=np.concatenate(
                [x.categorical[:columns], np.zeros(len(components), dtype=bool)]
            ),
        )


def principal_components(x: Matrix) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean (D,) and principal components (C, D) of the embeddings of the training rows; None if
    they are not wider than the components."""
    if x.embedded <= COMPONENTS or len(x) <= COMPONENTS:
        return None
    from sklearn.decomposition import PCA

    embeddings = x.values[:, len(x.names) - x.embedded :]
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(embeddings)
    return pca.mean_, pca.components_
