"""What training sees of cached features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.errors import RunError
from comp.features.plan import Plan
from comp.features.store import FeatureStore, write_store


def samples_in(folder: str) -> list[Sample]:
    return [Sample(id=name, image=Path(f"{folder}/{name}.png")) for name in "abt"]


def stored(folder: Path, root: Path | None = None) -> FeatureStore:
    """Two training samples with two augmented views, and a test sample without; two symmetries."""
    plan = Plan(
        samples=samples_in("/data/images"),
        root=root,
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


def test_a_cache_is_found_where_the_data_has_moved(tmp_path: Path) -> None:
    store = stored(tmp_path, Path("/data"))
    assert [store.row(sample) for sample in samples_in("/data/images")] == [0, 1, 2]
    moved = FeatureStore(store.folder, Path("/moved"))
    assert [moved.row(sample) for sample in samples_in("/moved/images")] == [0, 1, 2]
    with pytest.raises(RunError, match=r"do not contain sample a"):
        store.row(samples_in("/moved/images")[0])


def test_caches_of_earlier_versions_have_absolute_paths(tmp_path: Path) -> None:
    old = FeatureStore(stored(tmp_path).folder, Path("/data"))
    assert [old.row(sample) for sample in samples_in("/data/images")] == [0, 1, 2]
    plans = [
        Plan(
            samples=samples_in(f"{root}/images"),
            root=Path(root) if relative else None,
            training=3,
            views=0,
            symmetries="none",
            copies=1,
            shape=(1,),
            network={},
        )
        for root, relative in (("/data", False), ("/data", True), ("/moved", True))
    ]
    (absolute,), here, there = (plan.keys("digest") for plan in plans)
    assert here == [plans[1].key("digest"), absolute]
    assert there[0] == here[0] != absolute != there[1]
