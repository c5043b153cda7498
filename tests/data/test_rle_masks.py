"""The reader of masks from run lengths."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.rle_masks import RleMaskReader
from comp.errors import DataError
from comp.submission.rle import RleFormat


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    write_image(tmp_path / "a.png", np.zeros((2, 3), np.uint8))
    return Sample(id="a", image=tmp_path / "a.png", target=tmp_path / "train.csv")


def reader(*cells: str | None, form: RleFormat | None = None) -> RleMaskReader:
    return RleMaskReader(cells={"a": cells}, labels=("x", "y"), form=form or RleFormat())


def test_each_label_is_a_channel(sample: Sample) -> None:
    item = pickle.loads(pickle.dumps(reader("1 2", None)))(sample)  # noqa: S301
    assert item["image"].shape == (2, 3, 3)
    assert item["target"][..., 0].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert not item["target"][..., 1].any()
    by_rows = reader("0 2", "", form=RleFormat(order="row", base=0))(sample)
    assert by_rows["target"][..., 0].tolist() == [[1, 1, 0], [0, 0, 0]]


def test_an_image_without_runs_is_empty_and_a_test_image_has_no_target(sample: Sample) -> None:
    empty = RleMaskReader(cells={}, labels=("x", "y"), form=RleFormat())
    assert empty(sample)["target"].shape == (2, 3, 2)
    assert not empty(sample)["target"].any()
    assert "target" not in empty(Sample(id="a", image=sample.image))


def test_a_run_outside_of_the_image_names_the_image(sample: Sample) -> None:
    with pytest.raises(DataError, match=r"the mask of a: .* end at pixel 8, and the last is 6"):
        reader("5 4", None)(sample)
