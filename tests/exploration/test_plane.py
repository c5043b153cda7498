"""Samples on a plane."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.exploration.plane import HOW_TO_INSTALL, draw_map
from comp.exploration.subjects import Subjects
from comp.exploration.vectors import Vectors


def vectors(values: np.ndarray) -> Vectors:
    count = len(values)
    subjects = Subjects(
        competition=toy(classes=("a", "b")),
        samples=[Sample(id=f"s{row}") for row in range(count)],
        splits=["train"] * (count - 1) + ["test"],
        classes=[("a",)] * (count - 1) + [()],
    )
    return Vectors(by="columns", subjects=subjects, values=values.astype(np.float32))


def test_two_components_and_the_clusters_of_train() -> None:
    rng = np.random.default_rng(0)
    values = np.outer(rng.normal(size=30), [3.0, 4.0, 0.0]) + rng.normal(scale=0.01, size=(30, 3))
    found = draw_map(vectors(values), [1] * 29, 0)
    assert found.planes[0].method == "PCA"
    assert found.planes[0].explained[0] > 0.99
    assert list(found.clusters) == [1] * 29 + [0]
    assert np.corrcoef(found.planes[0].x, values[:, 0])[0, 1] ** 2 > 0.99


@pytest.mark.parametrize("values", [np.ones((4, 3)), np.ones((3, 1)), np.zeros((1, 2))])
def test_little_data_is_drawn(values: np.ndarray) -> None:
    found = draw_map(vectors(values), [], 0)
    assert len(found.planes[0].x) == len(values)
    assert np.isfinite(found.planes[0].y).all()


def test_umap_is_drawn_or_missed_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    found = draw_map(vectors(np.random.default_rng(0).normal(size=(30, 3))), [], 0)
    assert [plane.method for plane in found.planes] == ["PCA"]
    assert found.why == HOW_TO_INSTALL


def test_umap_where_it_is_installed() -> None:
    pytest.importorskip("umap")
    found = draw_map(vectors(np.random.default_rng(0).normal(size=(30, 3))), [], 0)
    assert [plane.method for plane in found.planes] == ["PCA", "UMAP"]
