"""Tables of run lengths, and of numbers that look like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.discovery.conclusion import Conclusion
from comp.discovery.look import look
from comp.workspace import Workspace
from tests.fakes import layouts
from tests.fakes.layouts import TEST, csv, images


def look_at(root: Path) -> Conclusion:
    """Look at a folder of data."""
    return look(root, workspace=Workspace.at(root.parent))


def test_run_lengths_from_the_end_of_the_last_run_are_no_classes(tmp_path: Path) -> None:
    """Of one row for each image, they became the names of classes, and the run went through."""
    root = tmp_path / "data"
    names = [f"a{i:03d}" for i in range(24)]
    images(root / "train", names)
    images(root / "test", TEST)
    runs = [" ".join(["30", str(2 + i), *["7 5"] * 10]) for i in range(24)]
    cells = [[n, "-1" if i % 2 else runs[i]] for i, n in enumerate(names)]
    csv(root / "train-rle.csv", "ImageId,EncodedPixels", cells)
    csv(root / "sample_submission.csv", "ImageId,EncodedPixels", [[n, "-1"] for n in TEST])
    found = look_at(root)
    assert not found.known
    assert found.missing[0].question == "What are the numbers of EncodedPixels?"
    assert "the starts do not rise" in found.missing[0].found


def test_two_tables_of_run_lengths_are_no_classes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    names = [f"a{i}" for i in range(20)]
    images(root / "train", names)
    images(root / "test", TEST)
    rows = [[n, "3 2 20 3" * (i % 2)] for i, n in enumerate(names)]
    csv(root / "train.csv", "id,rle", rows)
    csv(root / "folds.csv", "id,rle,fold", [[*row, i % 5] for i, row in enumerate(rows)])
    csv(root / "sample_submission.csv", "id,rle", [[n, ""] for n in TEST])
    found = look_at(root)
    assert found.form == "run lengths"
    assert found.arguments["table"] == "train.csv"


def test_a_class_column_that_the_submission_lacks_is_told(tmp_path: Path) -> None:
    root = tmp_path / "data"
    layouts.steel(root)
    (root / "sample_submission.csv").unlink()
    found = look_at(root)
    told = next(f for f in found.findings if f.what == "the masks are of mask")
    assert told.certainty == "guess"
    assert "has the column ClassId" in told.why


@pytest.mark.parametrize("inner", ["test", "train/new"])
def test_test_images_among_the_training_images_are_asked(tmp_path: Path, inner: str) -> None:
    root = tmp_path / "data"
    train = root / "train" if inner.startswith("train") else root
    names = [f"a{i}" for i in range(8)]
    images(train, names)
    images(root / inner, TEST)
    csv(root / "train.csv", "id,rle", [[n, "3 2 20 3"] for n in names])
    csv(root / "sample_submission.csv", "id,rle", [[n, "1 1"] for n in TEST])
    found = look_at(root)
    assert not found.known
    assert "Which folder has the training images" in found.missing[0].question
