"""The panel of a training batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictured import two_pictured
from reported import texts, two_classes

from comp.page.blocks import Gallery
from comp.review.panels.batch import panel


def test_each_card_has_the_image_and_what_the_network_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    keys = {"loader": {"batch_size": 4, "mixup": 0.2}}
    found = panel(runs.add("r", given, folds, keys=keys))
    assert found is not None
    (gallery,) = (block for block in found.blocks if isinstance(block, Gallery))
    assert len(gallery.cards) == 4
    for card in gallery.cards:
        assert [str(caption) for caption in card.captions] == ["image", "as seen"]
        assert card.pictures[0] != card.pictures[1]
        assert "48 x 40 pixels" in texts([card])  # type: ignore[list-item]
    assert "mixed by mixup (alpha 0.2)" in texts(found)


def test_a_batch_that_cannot_be_repeated_is_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    found = panel(runs.add("r", given, folds, keys={"model": ["gbdt"]}))
    assert found is not None
    assert "Not shown: no model of this run is a network" in texts(found)


def test_samples_without_images_have_no_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", given, folds)) is None
