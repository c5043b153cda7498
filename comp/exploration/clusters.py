"""K-means clusters of samples, their silhouette, and how well they agree with the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.errors import ConfigError
from comp.exploration.histogram import explained
from comp.exploration.subjects import Named
from comp.exploration.vectors import Vectors
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested

USUAL = (2, 8)
"""Numbers of clusters that are shown if the user names none."""
TRIED = range(2, 11)
"""Numbers of clusters whose silhouette is measured."""
COMPONENTS = 50
"""Principal components that K-means gets of more numbers."""
MEASURED = 2000
"""Samples on which a silhouette is measured."""
TYPICAL = 12
"""Samples nearest to the centre of a cluster that are named."""
SHUFFLES = 20
MANY = 20_000
"""Samples above which clusters are found in small batches."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The samples of a cluster, the classes among its labelled ones, the most frequent first, and
    the share of the most frequent. `typical` are nearest to its centre. `differs` are the columns
    of a table whose mean differs most, in standard deviations."""

    number: int
    samples: int
    classes: Mapping[str, int]
    purity: float | None
    typical: Sequence[Named]
    differs: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well clusters agree with classes.

    `purity` is the share of samples whose class is the most frequent one of their cluster.
    `largest_class` is the purity of one cluster, and `shuffled` that of the same clusters with
    shuffled classes: what chance reaches. `rand` is the adjusted Rand index: 0 by chance, 1 if the
    clusters are the classes.
    """

    samples: int
    purity: float
    largest_class: float
    shuffled: float
    rand: float


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """K-means with k clusters, the largest first. `explained` is the share of the variance of a
    number to predict that the clusters explain; None for classes."""

    k: int
    silhouette: float
    agreement: Agreement | None
    explained: float | None
    clusters: Sequence[Cluster]
    of: Sequence[int]
    """The number of the cluster of each sample."""


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Clusterings of the training samples. `silhouettes` of all numbers of clusters that were
    tried; `best` is the number with the best one."""

    by: str
    backbone: str
    samples: int
    silhouettes: Mapping[int, float]
    best: int
    shown: Sequence[Clustering]


def find_clusters(
    vectors: Vectors,
    count: int | None,
    seed: int,
    reporter: Reporter,
    numbers: np.ndarray | None = None,
) -> Clusters:
    """Cluster samples.

    Args:
        vectors: of the training samples alone.
        count: the number of clusters that the user names; None: 2 and 8.
        numbers: the number to predict of each sample, float (N,), if it is one.

    Raises:
        ConfigError: there are too few different samples.
    """
    values = components(vectors.values, seed)
    different = len(np.unique(vectors.values.round(5), axis=0))  # components of equal ones differ
    shown = [k for k in ((count,) if count else USUAL) if k < different]
    tried = [k for k in sorted({*TRIED, *shown}) if k < different]
    if not shown or len(values) < 3:
        raise ConfigError(
            f"{different:,} different samples are too few for {count or USUAL[0]} clusters: give a "
            "smaller number, or more data"
        )
    silhouettes, found = {}, {}
    for done, k in enumerate(tried, start=1):
        stop_if_requested()
        found[k] = _kmeans(values, k, seed)
        silhouettes[k] = _silhouette(values, found[k][0], seed)
        reporter.images_decoded(done, len(tried), "clustering")
    return Clusters(
        by=vectors.by,
        backbone=vectors.backbone,
        samples=len(values),
        silhouettes=silhouettes,
        best=max(silhouettes, key=lambda k: (silhouettes[k], -k)),
        shown=[_clustering(vectors, *found[k], silhouettes[k], numbers, seed) for k in shown],
    )


def components(values: np.ndarray, seed: int) -> np.ndarray:
    """The numbers, or their 50 principal components if they are more."""
    from sklearn.decomposition import PCA

    most = min(COMPONENTS, len(values))
    if values.shape[1] <= most:
        return values
    model = PCA(most, svd_solver="randomized", random_state=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # samples that are all the same
        return np.asarray(model.fit_transform(values))


def _kmeans(values: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each sample, the largest 0, and the distance to its centre."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    kind = MiniBatchKMeans if len(values) > MANY else KMeans
    model = kind(k, n_init=4, random_state=seed).fit(values)
    order = np.argsort(-np.bincount(model.labels_, minlength=k), kind="stable")
    place = np.empty(k, dtype=int)
    place[order] = np.arange(k)
    distance = np.linalg.norm(values - model.cluster_centers_[model.labels_], axis=1)
    return place[model.labels_], distance


def _silhouette(values: np.ndarray, of: np.ndarray, seed: int) -> float:
    """The mean silhouette (Rousseeuw, 1987), of at most 2,000 samples."""
    from sklearn.metrics import silhouette_score

    rows = np.random.default_rng(seed).permutation(len(values))[:MEASURED]
    different = len(np.unique(of[rows]))
    if not 2 <= different < len(rows):
        return 0.0
    return round(float(silhouette_score(values[rows], of[rows])), 4)


def _clustering(
    vectors: Vectors,
    of: np.ndarray,
    distance: np.ndarray,
    silhouette: float,
    numbers: np.ndarray | None,
    seed: int,
) -> Clustering:
    classes = vectors.subjects.classes
    single = not vectors.subjects.several_labels
    labelled = [row for row, own in enumerate(classes) if len(own) == 1] if single else []
    names = [classes[row][0] for row in labelled]
    k = int(of.max()) + 1
    return Clustering(
        k=k,
        silhouette=silhouette,
        agreement=agreement(of[labelled], names, seed) if len(set(names)) > 1 else None,
        explained=explained(numbers, [str(c) for c in of]) if numbers is not None else None,
        clusters=[_cluster(vectors, np.flatnonzero(of == c), c, distance) for c in range(k)],
        of=[int(c) + 1 for c in of],
    )


def _cluster(vectors: Vectors, rows: np.ndarray, number: int, distance: np.ndarray) -> Cluster:
    subjects = vectors.subjects
    counts = Counter(name for row in rows for name in subjects.classes[row])
    labelled = sum(bool(subjects.classes[row]) for row in rows)
    single = labelled and not subjects.several_labels
    nearest = rows[np.argsort(distance[rows], kind="stable")][:TYPICAL]
    return Cluster(
        number=number + 1,
        samples=len(rows),
        classes=dict(counts.most_common()),
        purity=round(max(counts.values()) / labelled, 4) if single else None,
        typical=[subjects.named(row) for row in nearest.tolist()],
        differs=_differs(vectors, rows),
    )


def _differs(vectors: Vectors, rows: np.ndarray) -> dict[str, float]:
    """The three columns of a table whose mean in a cluster is furthest from that of all."""
    if not vectors.names:
        return {}
    values = vectors.values
    away = (values[rows].mean(axis=0) - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    order = np.argsort(-np.abs(away), kind="stable")[:3]
    return {vectors.names[column]: round(float(away[column]), 2) for column in order}


def agreement(of: np.ndarray, names: Sequence[str], seed: int) -> Agreement:
    """How well clusters (N,) agree with the classes of the same samples."""
    from sklearn.metrics import adjusted_rand_score

    index = np.unique(np.asarray(names, dtype=str), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    by_chance = [purity(of, rng.permutation(index)) for _ in range(SHUFFLES)]
    return Agreement(
        samples=len(index),
        purity=round(purity(of, index), 4),
        largest_class=round(float(np.bincount(index).max() / len(index)), 4),
        shuffled=round(float(np.mean(by_chance)), 4),
        rand=round(float(adjusted_rand_score(index, of)), 4),
    )


def purity(of: np.ndarray, classes: np.ndarray) -> float:
    """The share of samples whose class is the most frequent one of their cluster."""
    table = np.zeros((int(of.max()) + 1, int(classes.max()) + 1), dtype=int)
    np.add.at(table, (of, classes), 1)
    return float(table.max(axis=1).sum() / len(of))
