"""Pairs of images: how they are read, grouped and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.contract.sample import Sample
from comp.data.images.pairs import PairReader, content_hash, image_size, is_one_colour
from comp.errors import DataError
from tests.fakes.layouts import image


def test_image_and_target_have_the_channels(tmp_path: Path) -> None:
    first, second = image(tmp_path / "a.png", 1, (5, 7)), image(tmp_path / "b.png", 2)
    sample = Sample(id="a", image=first, target=first)
    for channels in (1, 3):
        item = PairReader(channels)(sample)
        assert item["image"].shape == item["target"].shape == (5, 7, channels)
        assert np.array_equal(item["image"], item["target"])
    assert set(PairReader(1)(Sample(id="a", image=first))) == {"image"}
    with pytest.raises(DataError, match=r"a.png is 7 x 5 and its target .*b.png is 12 x 12"):
        PairReader(1)(Sample(id="a", image=first, target=second))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_target_is_read_without_its_image(tmp_path: Path, channels: int) -> None:
    target = image(tmp_path / "b.png", 2)
    sample = Sample(id="a", image=tmp_path / "none.png", target=target)
    read = PairReader(channels).target_alone(sample)
    assert np.array_equal(read["target"], PairReader(channels).read(target))
    assert PairReader(channels).target_alone(Sample(id="a", image=target)) == {}


def test_equal_files_have_one_hash(tmp_path: Path) -> None:
    paths = [image(tmp_path / f"{i}.png", i // 2) for i in range(4)]
    hashes = [content_hash(path) for path in paths]
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]
    assert content_hash(tmp_path / "none.png") is None


def test_size_is_that_of_the_upright_image(tmp_path: Path) -> None:
    picture = Image.new("L", (30, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    picture.save(tmp_path / "plain.jpg")
    assert image_size(tmp_path / "plain.jpg") == (20, 30)
    assert image_size(tmp_path / "turned.jpg") == (30, 20)
    (tmp_path / "bad.jpg").write_bytes(b"x")
    assert image_size(tmp_path / "bad.jpg") is None
    assert image_size(tmp_path / "none.jpg") is None


def test_an_image_of_one_colour_has_equal_pixels(tmp_path: Path) -> None:
    pixels = np.full((9, 7, 3), (10, 20, 30), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    pixels[8, 6, 2] = 31
    Image.fromarray(pixels).save(tmp_path / "two.png")
    (tmp_path / "bad.png").write_bytes(b"x")
    found = [is_one_colour(tmp_path / f"{name}.png") for name in ("one", "two", "bad")]
    assert found == [True, False, False]
