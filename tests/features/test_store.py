"""What training sees of cached features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from comp.contract.sample import Sample
from comp.features.plan import Plan
from comp.features.store import FeatureStore, write_store


def stored(folder: Path) -> FeatureStore:
    """Two training samples with two augmented views, and a test sample without; two symmetries."""
    plan = Plan(
        samples=[Sample(id=name, image=Path(f"/images/{name}.png")) for name in "abt"],
        training=2,
        views=2,
        symmetries="hflip",
        copies=2,
        shape=(1,),
        network={},
    )
    plain = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    views = np.arange(10, 14, dtype=np.float32).reshape(4, 1, 1)
    return write_store(folder / "store", plan, [plain, views], {})


def test_a_sample_without_views_is_seen_as_its_copies(tmp_path: Path) -> None:
    store = stored(tmp_path)
    numbers = [0, 1, 2, 3, 4]
    assert store.draws([1] * 5, numbers, 2)[:, 0].tolist() == [12, 13, 2, 3, 12]
    assert store.draws([2] * 5, numbers, 2)[:, 0].tolist() == [4, 5, 4, 5, 4]
    assert store.draws([2, 1], [7, 7])[:, 0].tolist() == [4, 13]
