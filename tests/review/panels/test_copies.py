"""The panel of images that look alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import noise, two_pictured
from reported import texts, two_classes

from comp.contract.sample import Sample
from comp.data.dropped import mark_of
from comp.page.blocks import Gallery
from comp.review import copies
from comp.review.panels.copies import FILE, panel


def planted(index: int) -> np.ndarray:
    """s2 is a copy of s1, in another fold, and t0, the 21st image, of s7."""
    return noise({2: 1, 20: 7}.get(index, index))


def test_the_tick_of_a_pair_is_of_a_training_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20, planted, tests=3)
    found = panel(runs.add("r", given, folds))
    assert found is not None
    galleries = {str(b.title): b for b in found.blocks if isinstance(b, Gallery)}
    over, test = (
        galleries["1 pairs in different folds"],
        galleries["1 pairs of a training and a test image"],
    )
    assert over.ticks
    assert over.file_name == test.file_name == FILE
    assert over.cards[0].id in {"s1", "s2"}
    assert {*map(str, over.cards[0].captions)} == {"s1", "s2"}
    assert len(over.cards[0].pictures) == 2
    lines = {str(line) for line in over.cards[0].lines}
    assert "with different labels" in lines
    assert lines & {"folds 1 and 0", "folds 0 and 1"}
    assert test.cards[0].id == "s7"
    assert test.cards[0].mark == mark_of(Sample(id="s7", target=1.0)) != "-"
    assert str(test.cards[0].captions[1]) == "test t0"
    assert "All 20 images of train and 3 of test" in texts(found)


def test_a_part_of_the_images_is_named_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 20)
    monkeypatch.setattr(copies, "MOST", 5)
    found = panel(runs.add("r", given, folds))
    assert found is not None
    assert "5 of 20 images of train" in texts(found)
    assert "'comp check toy' compares all" in texts(found)
    assert "No two of them look alike." in texts(found)


def test_samples_without_images_have_no_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", given, folds)) is None
