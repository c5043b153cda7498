"""Images of a run, one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import texts
from squares import image_runs

from comp.review.figures.image_items import LEAST, image_items


def test_images_have_their_target_and_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 6)
    assert facts.oof is not None
    items = image_items(facts.oof)
    assert [item.id for item in items] == list(facts.oof.ids)
    first = next(iter(items))
    assert first.image.dtype == np.uint8
    assert first.target.shape == first.prediction.shape
    assert items.notes() == []


def test_of_many_values_a_part_is_read_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 60)
    assert facts.oof is not None
    items = image_items(facts.oof, values=1)
    assert len(list(items)) == 20 <= LEAST
    assert "from 20 of 60 images" in texts(items.notes())


def test_what_cannot_be_used_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = image_runs(tmp_path, monkeypatch, 6, broken={"s1"}, diverged={"s2"})
    assert facts.oof is not None
    items = image_items(facts.oof)
    assert [item.id for item in items] == ["s0", "s3", "s4", "s5"]
    words = texts(items.notes())
    assert "1 predictions are not finite" in words
    assert "1 images or targets cannot be read" in words
