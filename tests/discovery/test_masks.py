"""Masks beside a table: their groups, and the form of their run lengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from comp.discovery.conclusion import Conclusion
from comp.discovery.look import look
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.submission.rle import RleFormat, encode
from comp.workspace import Workspace
from tests.fakes import layouts
from tests.fakes.layouts import TEST, csv, image, images, mask

SLICES = [f"case{i // 3}_slice_{i % 3:04d}" for i in range(36)]


def look_at(root: Path) -> Conclusion:
    """Look at a folder of data."""
    return look(root, workspace=Workspace.at(root.parent))


def certainty_of(found: Conclusion, words: str) -> str:
    """How sure the finding is whose text contains some words."""
    return next(str(f.certainty) for f in found.findings if words in f.what)


def run_length_slices(root: Path) -> None:
    """Run lengths of slices, whose patient is in the id alone."""
    images(root / "train", SLICES)
    images(root / "test", TEST)
    csv(root / "train.csv", "id,rle", [[n, "3 2 20 3" * (i % 2)] for i, n in enumerate(SLICES)])
    csv(root / "sample_submission.csv", "id,rle", [[n, "1 1"] for n in TEST])


def listed_slices(root: Path) -> None:
    """Mask images of slices, and a table with their ids."""
    for i, name in enumerate(SLICES):
        image(root / "train" / "images" / f"{name}.png", i)
        mask(root / "train" / "masks" / f"{name}.png")
    images(root / "test" / "images", TEST)
    csv(root / "train.csv", "id,age", [[n, i] for i, n in enumerate(SLICES)])
    csv(root / "sample_submission.csv", "id,rle_mask", [[n, "1 1"] for n in TEST])


def unlisted_slices(root: Path) -> None:
    """The same with a table that has two rows of each image."""
    listed_slices(root)
    csv(root / "train.csv", "id,organ", [[n, organ] for n in SLICES for organ in "ab"])


@pytest.mark.parametrize("draw", [run_length_slices, listed_slices, unlisted_slices])
def test_slices_of_a_patient_are_one_group(tmp_path: Path, draw: Callable[[Path], None]) -> None:
    """A table beside the images hid the groups in their names."""
    root = tmp_path / "data"
    draw(root)
    found = look_at(root)
    assert found.known
    assert found.arguments["group_pattern"] == "^(?:(case[0-9]+)_)"
    competition = competition_of(plugin_text(found, name="new", title="New", kaggle=""))
    groups = {s.group for s in competition.samples(root, "train")}
    assert groups == {f"case{i}" for i in range(12)}


def ellipses(root: Path, order: Any, width: int = 44) -> list[list[str]]:
    """Write images and their masks; the rows of their run lengths."""
    rows = []
    for i in range(8):
        pixels = np.zeros((20, width), np.uint8)
        cv2.ellipse(pixels, (6 + i, 10), (9, 5), 20 * i, 0, 360, 1, -1)
        image(root / "train" / "images" / f"a{i}.png", i, (20, width, 3))
        (root / "train" / "masks").mkdir(exist_ok=True)
        cv2.imwrite(str(root / "train" / "masks" / f"a{i}.png"), 255 * pixels)
        rows.append([f"a{i}", encode(pixels, RleFormat(order=order))])
    images(root / "test" / "images", TEST)
    csv(root / "sample_submission.csv", "id,rle_mask", [[n, "1 1"] for n in TEST])
    return rows


@pytest.mark.parametrize("width", [20, 44])
@pytest.mark.parametrize(("order", "words"), [("row", "along the rows"), ("column", "down the")])
def test_the_order_of_run_lengths_beside_masks_is_found(
    tmp_path: Path, order: str, words: str, width: int
) -> None:
    root = tmp_path / "data"
    csv(root / "train.csv", "id,rle_mask", ellipses(root, order, width))
    found = look_at(root)
    assert certainty_of(found, words) == "likely"
    assert repr(found.arguments.get("rle")) == (
        "RleFormat(order='row')" if order == "row" else "None"
    )
    competition = competition_of(plugin_text(found, name="new", title="New", kaggle=""))
    assert len(competition.samples(root, "train")) == 8


def test_an_order_that_nothing_shows_is_a_guess(tmp_path: Path) -> None:
    """The submission of masks along the rows was written down the columns, without a word."""
    root = tmp_path / "data"
    ellipses(root, "row")
    assert certainty_of(look_at(root), "run lengths go down the columns") == "guess"
    layouts.ships(tmp_path / "ships")
    assert certainty_of(look_at(tmp_path / "ships"), "run lengths go down the columns") == "guess"
