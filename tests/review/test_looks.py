"""What images of a run look like, in numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import two_pictured

from comp.contract.sample import Sample
from comp.review import looks
from comp.review.looks import read_image


def grey(index: int) -> np.ndarray:
    return np.full((40, 20 + index, 3), 100 + index, np.uint8)


def test_statistics_are_those_of_each_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_pictured(tmp_path, monkeypatch, draw=grey, tests=3)
    facts = runs.add("r", predictions, folds)
    found = facts.train_looks
    assert list(found.ids) == list(predictions)
    assert found.of == 40
    assert found.numbers("brightness").tolist() == pytest.approx([100 + i for i in range(40)])
    assert found.numbers("width").tolist() == [20 + i for i in range(40)]
    assert set(found.texts("format")) == {"PNG"}
    assert np.isnan(found.numbers("format")).all()
    assert list(facts.test_looks.ids) == ["t0", "t1", "t2"]
    assert facts.test_looks.numbers("width")[0] == 60


def test_of_many_images_a_random_part_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_pictured(tmp_path, monkeypatch, draw=grey)
    monkeypatch.setattr(looks, "MOST", 10)
    found = runs.add("r", predictions, folds).train_looks
    assert len(found.ids) == 10
    assert found.of == 40
    assert list(found.ids) != list(predictions)[:10]


def test_images_that_cannot_be_read_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_pictured(tmp_path, monkeypatch, draw=grey)
    facts = runs.add("r", predictions, folds)
    (tmp_path / "images" / "3.png").write_bytes(b"nothing")
    assert "s3" not in facts.train_looks.ids
    assert len(facts.train_looks.ids) == 39
    assert read_image(facts, Sample(id="x", image=None)) is None
