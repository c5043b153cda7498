"""Near-copies in different folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.images.items import read_item
from comp.page.blocks import Notice
from comp.review.alerts.copies import COPIES
from comp.review.facts import read_facts


def notice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, copies: int, same_fold: bool = False
) -> Notice | None:
    """The alert of a run over 24 pictures, of which the first `copies` are there twice."""
    samples = []
    for index in range(24):
        rng = np.random.default_rng(index - 12 if 12 <= index < 12 + copies else index)
        coarse = rng.integers(0, 255, (6, 6, 3)).astype(np.uint8)
        image = folder / f"image{index}.png"
        write_image(image, coarse.repeat(8, axis=0).repeat(8, axis=1))
        samples.append(Sample(id=f"s{index}", image=image, target=index % 2))
    fields: dict[str, Any] = {"classes": ("a", "b"), "metric": ACCURACY}
    runs = OofRuns(folder, monkeypatch, samples, reader=lambda *_: read_item, **fields)
    folds = {s.id: (i % 2 if same_fold else i // 12) for i, s in enumerate(samples)}
    runs.write("r1", {s.id: 0.5 for s in samples}, folds, fit=False)
    return COPIES.notice(read_facts("r1", runs.workspace))


def test_copies_in_different_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = notice(tmp_path, monkeypatch, copies=3)
    assert found
    assert str(found.text).startswith("3 pairs of images look alike but are in different folds")
    assert "24 of 24 training images were compared" in str(found.text)


@pytest.mark.parametrize(("copies", "same_fold"), [(0, False), (3, True)])
def test_other_pictures_or_copies_in_one_fold(
    copies: int, same_fold: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notice(tmp_path, monkeypatch, copies, same_fold) is None
