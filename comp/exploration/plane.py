"""Samples on a plane: principal components, and UMAP if it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from comp.exploration.clusters import components
from comp.exploration.vectors import Vectors
from comp.runs.progress import Reporter, Silent

LEAST_FOR_UMAP = 20
"""Samples from which UMAP is worth it."""
NEIGHBOURS = 15
HOW_TO_INSTALL = "UMAP is not installed: pip install 'comp[umap]' adds it"


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The place of each sample on a plane. `explained` are the shares of the variance of the two
    principal components; UMAP has none."""

    method: Literal["PCA", "UMAP"]
    x: Sequence[float]
    y: Sequence[float]
    explained: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Map:
    """Planes of the same samples, train and test. `clusters` has the number of the cluster of each
    training sample in the first clustering that is shown, 0 for test. `why` says why a plane is
    missing."""

    splits: Sequence[str]
    ids: Sequence[str]
    labels: Sequence[str]
    clusters: Sequence[int]
    planes: Sequence[Plane]
    why: str = ""


def draw_map(
    vectors: Vectors, clusters: Sequence[int], seed: int, reporter: Reporter | None = None
) -> Map:
    """Place samples on planes.

    Args:
        clusters: the cluster of each training sample, in their order; or none.
    """
    named = [vectors.subjects.named(row) for row in range(len(vectors.subjects))]
    training = iter(clusters)
    umap = _umap(vectors.values, seed, reporter or Silent())
    return Map(
        splits=[sample.split for sample in named],
        ids=[sample.id for sample in named],
        labels=[sample.label for sample in named],
        clusters=[next(training, 0) if s.split == "train" else 0 for s in named],
        planes=[_pca(vectors.values), *([umap] if umap else [])],
        why="" if umap or _has_umap() else HOW_TO_INSTALL,
    )


def _pca(values: np.ndarray) -> Plane:
    from sklearn.decomposition import PCA

    count = min(2, *values.shape)
    model = PCA(
        count, svd_solver="full" if min(values.shape) < 500 else "randomized", random_state=0
    )
    places = np.zeros((len(values), 2))
    with np.errstate(invalid="ignore", divide="ignore"):  # samples that are all the same
        places[:, :count] = model.fit_transform(values)
    shares = np.nan_to_num(model.explained_variance_ratio_)
    return _plane("PCA", places, [round(float(share), 4) for share in shares])


def _has_umap() -> bool:
    return importlib.util.find_spec("umap") is not None


def _umap(values: np.ndarray, seed: int, reporter: Reporter) -> Plane | None:
    """The plane of UMAP (McInnes et al., 2018); None if it is not installed, or there are few
    samples."""
    if not _has_umap() or len(values) < LEAST_FOR_UMAP:
        return None
    reporter.note(f"placing {len(values):,} samples on a plane by UMAP, which takes up to minutes")
    import umap

    model = umap.UMAP(n_neighbors=min(NEIGHBOURS, len(values) - 1), random_state=seed, n_jobs=1)
    return _plane("UMAP", np.asarray(model.fit_transform(components(values, seed))), [])


def _plane(method: Literal["PCA", "UMAP"], places: np.ndarray, explained: list[float]) -> Plane:
    across, up = (np.round(places[:, axis].astype(float), 4).tolist() for axis in (0, 1))
    return Plane(method=method, x=across, y=up, explained=explained)
