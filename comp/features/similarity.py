"""Which embeddings are near one another, by the cosine of the angle between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from comp.errors import ConfigError

CHUNK = 1024
"""Embeddings that are compared with all others at a time."""
MAX_PAIRS = 1_000_000


class SimilarPair(NamedTuple):
    """The rows of two embeddings, the first one smaller, and their similarity."""

    first: int
    second: int
    similarity: float


def nearest(embeddings: np.ndarray, row: int, count: int) -> list[tuple[int, float]]:
    """The rows of the `count` embeddings that are nearest to one of (N, D), without itself, and
    their similarities, 1 for the same direction and -1 for the opposite one."""
    from sklearn.neighbors import NearestNeighbors

    unit = unit_vectors(embeddings)
    index = NearestNeighbors(metric="cosine", algorithm="brute").fit(unit)
    distances, rows = index.kneighbors(unit[row : row + 1], min(count + 1, len(unit)))
    found = zip(rows[0].tolist(), (1 - distances[0]).tolist(), strict=True)
    return [(other, similarity) for other, similarity in found if other != row][:count]


def similar_pairs(embeddings: np.ndarray, least: float) -> list[SimilarPair]:
    """All pairs of (N, D) whose similarity is at least `least`, the most similar first.

    Raises:
        ConfigError: there are more than a million.
    """
    from sklearn.neighbors import NearestNeighbors

    unit = unit_vectors(embeddings)
    index = NearestNeighbors(metric="cosine", algorithm="brute").fit(unit)
    pairs: list[SimilarPair] = []
    for start in range(0, len(unit), CHUNK):
        radius = 1 - least + 1e-6  # rounding of float32
        distances, rows = index.radius_neighbors(unit[start : start + CHUNK], radius)
        for first, (near, far) in enumerate(zip(rows, distances, strict=True), start=start):
            later = near > first
            found = zip(near[later].tolist(), (1 - far[later]).tolist(), strict=True)
            pairs += [SimilarPair(first, second, similarity) for second, similarity in found]
        if len(pairs) > MAX_PAIRS:
            raise ConfigError(
                f"more than {MAX_PAIRS:,} pairs of images have a similarity of at least {least:g}: "
                "give a higher one"
            )
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def unit_vectors(embeddings: np.ndarray) -> np.ndarray:
    """The embeddings (N, D) without their mean, in the length 1: float32 (N, D).

    Images of one data set share much of what a backbone sees. Without the mean, a similarity of 0
    is that of two images that have no more in common than any two. Up to two embeddings keep it,
    and so do embeddings that are all the same.
    """
    vectors = embeddings.astype(np.float64)
    least = 1e-6 * float(np.linalg.norm(vectors, axis=1).max(initial=0.0)) or 1.0
    centred = vectors - vectors.mean(axis=0)
    if len(vectors) > 2 and np.linalg.norm(centred, axis=1).max() > least:
        vectors = centred
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = (vectors / np.maximum(norms, least)).astype(np.float32)
    return unit
