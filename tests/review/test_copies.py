"""Images that look alike in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import noise, two_pictured

from comp.review import copies
from comp.review.copies import find_copies


def planted(index: int) -> np.ndarray:
    """s4 is s0 mirrored, in the same fold; s2 is s1 with another label, in another fold; and t0,
    the 21st image, is s7."""
    if index == 4:
        return np.ascontiguousarray(noise(0)[:, ::-1])
    return noise({2: 1, 20: 7}.get(index, index))


def test_planted_copies_are_found_with_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, planted, tests=3)
    found = find_copies(runs.add("r", given, folds))
    assert found is not None
    assert found.all_compared
    pairs = {copy.where: copy for copy in found.pairs}
    assert len(pairs) == len(found.pairs) == 3
    assert (pairs["folds"].first.id, pairs["folds"].second.id) in {("s1", "s2"), ("s2", "s1")}
    assert pairs["folds"].same_label is False
    assert (pairs["test"].first.id, pairs["test"].second.id) == ("s7", "t0")
    assert pairs["test"].same_label is None
    assert {pairs["fold"].first.id, pairs["fold"].second.id} == {"s0", "s4"}
    assert pairs["fold"].flip == "mirrored"
    assert found.pairs[0].where == "folds"


def test_of_many_images_a_random_part_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, planted, tests=3)
    monkeypatch.setattr(copies, "MOST", 5)
    found = find_copies(runs.add("r", given, folds))
    assert found is not None
    assert (found.train, found.all_train, found.test) == (5, 20, 3)
    assert not found.all_compared


def test_images_that_cannot_be_read_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, planted)
    facts = runs.add("r", given, folds)
    (tmp_path / "images" / "1.png").write_bytes(b"nothing")
    found = find_copies(facts)
    assert found is not None
    assert found.train == 19
    assert [copy.where for copy in found.pairs] == ["fold"]
