"""Series of files."""

from __future__ import annotations

import numpy as np

from comp.data.drift.series import OTHER, compare_names, name_form


def test_forms_of_names() -> None:
    assert name_form("IM-0115-0001.jpeg") == "IM-#-#.jpeg"
    assert name_form("train_12.png") == name_form("Test_7.png") == "*_#.png"
    assert name_form("latest.png") == "latest.png"


def test_a_series_that_test_lacks_differs() -> None:
    train = [f"IM-{i}.png" for i in range(60)] + [f"scan{i}.png" for i in range(40)]
    found = compare_names(train, [f"IM-{i}.png" for i in range(50)])
    assert found.train == {"IM-#.png": 0.6, "scan#.png": 0.4}
    assert found.test == {"IM-#.png": 1.0}
    assert found.distance == 0.4
    assert found.differ


def test_names_that_say_nothing_do_not_differ() -> None:
    rng = np.random.default_rng(0)
    hashes = ["".join(rng.choice(list("0123456789abcdef"), 10)) for _ in range(400)]
    found = compare_names(hashes[:200], hashes[200:])
    assert found.train[OTHER] > 0.8
    assert not found.differ
    assert not compare_names(["a1", "a2"] * 9, ["b1", "b2"] * 9).differ  # the names of a split
