"""Clusters by average linkage, as scipy makes them, with numpy alone."""

import numpy as np


def average_linkage(distances: np.ndarray, limit: float) -> list[list[int]]:
    """The clusters whose mean distances are at most `limit`, each a rising list of indices.

    The algorithm is the chain of nearest neighbours (Murtagh, A survey of recent advances in
    hierarchical clustering algorithms, 1983), in the order in which scipy's `linkage` merges.

    Args:
        distances: float64 (N, N), symmetric, infinite on the diagonal; it is changed.
    """
    sizes = np.ones(len(distances), dtype=np.int64)
    members = [[index] for index in range(len(distances))]
    clusters = [{index} for index in range(len(distances))]
    chain: list[int] = []
    for _ in range(len(distances) - 1):
        first, second = sorted(_nearest_pair(distances, sizes, chain))
        distance = distances[first, second]
        if distance <= limit:
            joined = set().union(*(clusters[index] for index in members[first] + members[second]))
            for index in joined:
                clusters[index] = joined
        mean = (sizes[first] * distances[first] + sizes[second] * distances[second]) / (
            sizes[first] + sizes[second]
        )
        mean[[first, second]] = np.inf
        distances[second], distances[:, second] = mean, mean
        distances[first], distances[:, first] = np.inf, np.inf
        sizes[second] += sizes[first]
        sizes[first] = 0
        members[second] += members[first]
    return [sorted(cluster) for index, cluster in enumerate(clusters) if min(cluster) == index]


def _nearest_pair(distances: np.ndarray, sizes: np.ndarray, chain: list[int]) -> tuple[int, int]:
    """Two clusters of which each is the nearest to the other; they leave the chain."""
    if not chain:
        chain.append(int(np.flatnonzero(sizes)[0]))
    while True:
        last = chain[-1]
        nearest = int(distances[last].argmin())
        if len(chain) > 1 and distances[last, chain[-2]] <= distances[last, nearest]:
            nearest = chain[-2]
        if len(chain) > 1 and nearest == chain[-2]:
            return chain.pop(), chain.pop()
        chain.append(nearest)
