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


@pytest.mark.parametrize(
    ("numbers", "where"),
    [
        ((-1, -1), ["fold"]),  # both only train
        ((-10, -1), ["fold"]),  # no score of the run needs either
        ((0, -1), ["folds"]),  # one trains in each fold
        ((0, -10), ["fold"]),  # it does not train in fold 0
        ((1, -10), ["folds"]),  # but in fold 1
        ((0, -2), []),  # it is not used at all
    ],
)
def test_copies_that_no_model_has_seen_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, int], where: list[str]
) -> None:
    def draw(index: int) -> np.ndarray:
        return noise(1 if index == 2 else index)

    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, draw)
    folds |= {"s1": numbers[0], "s2": numbers[1]}
    scored = {name: value for name, value in given.items() if folds[name] >= 0}
    found = find_copies(runs.add("r", scored, folds))
    assert found is not None
    assert [copy.where for copy in found.pairs] == where


@pytest.mark.parametrize(("number", "where"), [(-1, "fold"), (1, "folds")])
def test_a_sample_that_only_trains_stays_apart_from_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, where: str
) -> None:
    """Folds that were given may split a group, and then its copies do harm."""

    def draw(index: int) -> np.ndarray:
        return noise(1 if index == 2 else index)

    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, draw)
    for index in (1, 2):
        runs.change_target("data", index, group="one")
    folds |= {"s1": 0, "s2": number}
    scored = {name: value for name, value in given.items() if folds[name] >= 0}
    found = find_copies(runs.add("r", scored, folds))
    assert found is not None
    assert [copy.where for copy in found.pairs] == [where]
