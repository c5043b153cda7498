"""K-means: purity of known clusters, silhouettes, and what chance reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.errors import ConfigError
from comp.exploration.clusters import agreement, components, find_clusters, purity
from comp.exploration.subjects import Subjects
from comp.exploration.vectors import Vectors
from comp.runs.progress import Silent
from comp.tasks.regression import regression


def vectors_of(values: np.ndarray, labels: Sequence[str], **fields: Any) -> Vectors:
    """Numbers of training samples with these classes."""
    rows = range(len(values))
    subjects = Subjects(
        competition=toy(classes=("cat", "dog")),
        samples=[Sample(id=f"s{row}") for row in rows],
        splits=["train"] * len(values),
        classes=[(name,) if name else () for name in labels],
    )
    more: dict[str, Any] = {"by": "columns"} | fields
    return Vectors(subjects=subjects, values=values.astype(np.float32), **more)


def two_blobs(apart: float = 20.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 4))
    values[40:] += apart
    return values


def test_purity_of_two_clusters_with_six_wrong_samples() -> None:
    names = ["cat"] * 37 + ["dog"] * 3 + ["dog"] * 17 + ["cat"] * 3
    found = find_clusters(vectors_of(two_blobs(), names), 2, 0, Silent())
    (clustering,) = found.shown
    assert [cluster.samples for cluster in clustering.clusters] == [40, 20]
    assert [cluster.classes for cluster in clustering.clusters] == [
        {"cat": 37, "dog": 3},
        {"dog": 17, "cat": 3},
    ]
    assert [cluster.purity for cluster in clustering.clusters] == [0.925, 0.85]
    assert clustering.agreement is not None
    assert clustering.agreement.purity == 0.9
    assert clustering.agreement.largest_class == round(40 / 60, 4)
    assert clustering.agreement.largest_class <= clustering.agreement.shuffled < 0.72
    assert clustering.of == [1] * 40 + [2] * 20


def test_the_best_silhouette_is_that_of_the_true_number() -> None:
    values = np.concatenate([two_blobs(), two_blobs()[40:] + 30])
    found = find_clusters(vectors_of(values, [""] * 80), None, 0, Silent())
    assert found.best == 3
    assert list(found.silhouettes) == list(range(2, 11))
    assert [clustering.k for clustering in found.shown] == [2, 8]
    assert all(clustering.agreement is None for clustering in found.shown)


def test_samples_without_a_label_do_not_count_for_purity() -> None:
    names = ["cat"] * 10 + [""] * 30 + ["dog"] * 20
    (clustering,) = find_clusters(vectors_of(two_blobs(), names), 2, 0, Silent()).shown
    assert clustering.agreement is not None
    assert (clustering.agreement.samples, clustering.agreement.purity) == (30, 1.0)


def test_typical_samples_are_nearest_to_the_centre() -> None:
    values = two_blobs()
    values[7] += 5  # an outlier of the first cluster
    (clustering,) = find_clusters(vectors_of(values, [""] * 60), 2, 0, Silent()).shown
    typical = [sample.id for sample in clustering.clusters[0].typical]
    assert len(typical) == 12
    assert "s7" not in typical


def test_columns_say_in_what_a_cluster_differs() -> None:
    values = two_blobs()
    values[:, 0] = np.random.default_rng(1).normal(size=60)
    names = ("noise", "a", "b", "c")
    (clustering,) = find_clusters(vectors_of(values, [""] * 60, names=names), 2, 0, Silent()).shown
    small = clustering.clusters[1].differs
    assert set(small) == {"a", "b", "c"}
    assert min(small.values()) > 1


def test_the_share_of_a_number_that_clusters_explain() -> None:
    task = regression(("price",))
    vectors = vectors_of(two_blobs(), [""] * 60)
    assert task.output == "numbers"
    price = np.array([1.0] * 40 + [5.0] * 20)
    (clustering,) = find_clusters(vectors, 2, 0, Silent(), price).shown
    assert clustering.explained == 1.0


@pytest.mark.parametrize(("rows", "count"), [(2, None), (5, 8), (1, 2)])
def test_too_few_samples_are_refused(rows: int, count: int | None) -> None:
    vectors = vectors_of(two_blobs()[:rows], [""] * rows)
    with pytest.raises(ConfigError, match=f"{rows} different samples are too few for"):
        find_clusters(vectors, count, 0, Silent())


def test_equal_samples_are_one() -> None:
    with pytest.raises(ConfigError, match="1 different samples"):
        find_clusters(vectors_of(np.ones((30, 3)), [""] * 30), None, 0, Silent())


def test_copies_of_three_samples_are_at_most_two_clusters() -> None:
    """The principal components of equal samples differ in their last digits."""
    three = np.random.default_rng(0).normal(size=(3, 200)).astype(np.float32)
    found = find_clusters(vectors_of(np.repeat(three, 10, axis=0), [""] * 30), None, 0, Silent())
    assert list(found.silhouettes) == [2]
    assert [clustering.k for clustering in found.shown] == [2]


def test_purity_by_hand() -> None:
    assert purity(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])) == 0.8
    assert purity(np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1])) == 0.5


def test_clusters_by_chance_agree_no_better_than_shuffled_ones() -> None:
    rng = np.random.default_rng(0)
    found = agreement(rng.integers(0, 8, 400), ["a", "b"] * 200, 0)
    assert abs(found.purity - found.shuffled) < 0.05
    assert abs(found.rand) < 0.02


def test_many_numbers_become_fifty() -> None:
    assert components(np.random.default_rng(0).normal(size=(80, 300)), 0).shape == (80, 50)
    assert components(np.zeros((80, 3)), 0).shape == (80, 3)
