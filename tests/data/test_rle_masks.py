"""The reader of masks from run lengths."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.rle_masks import RleMaskReader, order_problem, transposed_problem
from comp.errors import DataError
from comp.submission.rle import RleFormat, encode


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
    empty = RleMaskReader(cells={"a": (None, None)}, labels=("x", "y"), form=RleFormat())
    assert empty(sample)["target"].shape == (2, 3, 2)
    assert not empty(sample)["target"].any()
    assert "target" not in empty(Sample(id="a", image=sample.image))


def test_masks_are_read_with_the_header_of_their_image_alone(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = reader("1 2", None)
    whole = one(sample)["target"]
    monkeypatch.setattr("comp.data.rle_masks.read_rgb", None)
    assert np.array_equal(one.target_alone(sample)["target"], whole)
    assert one.target_alone(replace(sample, target=None)) == {}
    with pytest.raises(DataError, match="the mask of a: "):
        reader("5 4", None).target_alone(sample)


def test_masks_of_an_image_whose_header_is_not_known_are_read_with_it(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 3), np.uint8))
    sample = Sample(id="a", image=tmp_path / "a.npy", target=tmp_path / "train.csv")
    assert reader("1 2", None).target_alone(sample)["target"].shape == (2, 3, 2)


def test_a_run_outside_of_the_image_names_the_image(sample: Sample) -> None:
    with pytest.raises(DataError, match=r"the mask of a: .* end at pixel 8, and the last is 6"):
        reader("5 4", None)(sample)


def test_an_image_that_is_not_known_is_refused(sample: Sample) -> None:
    """Its masks were empty: external data trained on nothing."""
    with pytest.raises(DataError, match="no run lengths were read for external-1/a"):
        reader("1 2", None)(replace(sample, id="external-1/a"))


def rectangle(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 5 : height // 2, width // 4 : width // 2] = 1
    return mask


@pytest.mark.parametrize("size", [(40, 48), (20, 30), (64, 40), (256, 1600)])
def test_masks_that_are_smoother_in_the_other_order_are_found(size: tuple[int, int]) -> None:
    """A mask was decoded in the wrong order without a word."""
    forms = RleFormat(), RleFormat(order="row")
    for written, read in (forms, forms[::-1]):
        cells = [encode(rectangle(*size), written), None]
        assert order_problem(cells, [size] * 2, written) == ""
        assert f"look like {written.order} order" in order_problem(cells, [size] * 2, read)


def test_nothing_shows_the_order_of_square_or_empty_masks() -> None:
    cell = encode(rectangle(30, 30), RleFormat())
    for form in (RleFormat(), RleFormat(order="row")):
        assert order_problem([cell], [(30, 30)], form) == ""
        assert order_problem(["1 12"], [(3, 4)], form) == ""
        assert order_problem([None, ""], [(3, 4)] * 2, form) == ""


def square_images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images, brighter to the left, and their masks: bright ellipses near the top."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64]
    images, masks = [], []
    for _ in range(count):
        row, column, width = rng.integers(8, 20), rng.integers(10, 54), rng.integers(5, 12)
        masks.append(((rows - row) / 6) ** 2 + ((columns - column) / width) ** 2 < 1)
        images.append(100 - columns + 30 * masks[-1] + rng.normal(0, 20, (64, 64)))
    return np.stack(images), np.stack(masks)


def test_transposed_masks_of_square_images_do_not_fit_their_images() -> None:
    """Run lengths in row order were read in column order, without a word."""
    images, masks = square_images(32)
    assert transposed_problem(images, masks, RleFormat()) == ""
    problem = transposed_problem(images, masks.transpose(0, 2, 1), RleFormat(base=0))
    assert "look like row order: in column order the masks do not fit their images" in problem
    assert problem.endswith("rle=RleFormat(order='row', base=0)")


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_concluded_from_the_place_of_masks(seed: int) -> None:
    """Masks that have nothing to do with their images, few images, and other shapes."""
    images, masks = square_images(32, seed)
    for order in (masks, masks.transpose(0, 2, 1)):
        assert transposed_problem(np.roll(images, 5, axis=0), order, RleFormat()) == ""
        assert transposed_problem(images[:4], order[:4], RleFormat()) == ""
        assert transposed_problem(images[:, :, :50], order[:, :, :50], RleFormat()) == ""
