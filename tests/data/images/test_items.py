"""The default readers: what a sample's item contains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.contract.sample import Sample
from comp.data.images import items
from comp.data.images.items import (
    ItemReader,
    MaskedReader,
    numbers_of,
    read_item,
    read_masked_item,
)
from comp.data.images.values import ValueRange

GREY = (np.arange(5 * 7, dtype=np.uint8) * 7).reshape(5, 7)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def saved(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path


def test_default_reader_reads_image_and_target_image(tmp_path: Path):
    image = saved(tmp_path / "a.png", COLOUR)
    target = saved(tmp_path / "b.png", 255 - COLOUR)

    item = read_item(Sample(id="a", image=image, target=target))

    assert list(item) == ["image", "target"]
    np.testing.assert_array_equal(item["image"], COLOUR)
    np.testing.assert_array_equal(item["target"], 255 - COLOUR)


@pytest.mark.parametrize("label", [0.0, 1.0, -2.5])
def test_default_reader_reads_a_label_as_one_number(tmp_path: Path, label: float):
    item = read_item(Sample(id="a", image=saved(tmp_path / "a.png", COLOUR), target=label))

    assert item["target"].dtype == np.float32
    np.testing.assert_array_equal(item["target"], [label])


def test_default_reader_without_a_target(tmp_path: Path):
    item = read_item(Sample(id="a", image=saved(tmp_path / "a.png", COLOUR)))

    assert list(item) == ["image"]


@pytest.mark.parametrize("target", [(1.0, 0.0, 1.0), [2.5], (0,) * 7, np.arange(3)])
def test_several_numbers_are_a_vector(tmp_path: Path, target):
    sample = Sample(id="a", image=saved(tmp_path / "a.png", COLOUR), target=target)

    for item in (read_item(sample), read_masked_item(sample), numbers_of(sample)):
        assert item["target"].dtype == np.float32
        np.testing.assert_array_equal(item["target"], target)


def test_who_changes_an_item_does_not_change_the_sample(tmp_path: Path):
    sample = Sample(id="a", image=saved(tmp_path / "a.png", COLOUR), target=np.float32([1, 2]))

    for item in (read_item(sample), read_masked_item(sample), numbers_of(sample)):
        item["target"] *= 0
        np.testing.assert_array_equal(sample.target, [1, 2])


def test_features_are_a_vector_and_missing_without_any(tmp_path: Path):
    sample = Sample(id="a", image=saved(tmp_path / "a.png", COLOUR))

    item = read_item(replace(sample, features={"age": 31.0, "weight": 70.5}))

    assert item["features"].dtype == np.float32
    np.testing.assert_array_equal(item["features"], [31, 70.5])
    assert "features" not in read_item(sample)


def test_a_label_image_is_read_as_it_is_and_its_image_in_colour(tmp_path: Path):
    image = saved(tmp_path / "a.png", np.full((5, 7), 4095, np.uint16))
    mask = saved(tmp_path / "b.png", np.uint8([[0, 1, 2], [0, 0, 1]]))
    sample = Sample(id="a", image=image, target=mask)

    item = read_masked_item(sample, ValueRange({"uint16": (0.0, 4095.0)}))

    assert (item["image"] == 255).all()
    assert item["image"].shape == (5, 7, 3)
    np.testing.assert_array_equal(item["target"][..., 0], [[0, 1, 2], [0, 0, 1]])


@pytest.mark.parametrize("reader", [ItemReader(), MaskedReader(channels=3)])
def test_a_target_is_read_without_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: ItemReader | MaskedReader
) -> None:
    image, target = saved(tmp_path / "a.png", COLOUR), saved(tmp_path / "b.png", 255 - COLOUR)
    sample = Sample(id="a", image=image, target=target)
    whole = reader(sample)["target"]
    opened: list[Path] = []
    for name in ("read_rgb", "read_mask"):
        read = getattr(items, name)

        def counted(path: Path, *args: object, read: object = read, **more: object) -> np.ndarray:
            opened.append(path)
            return read(path, *args, **more)  # type: ignore[operator,no-any-return]

        monkeypatch.setattr(items, name, counted)
    np.testing.assert_array_equal(reader.target_alone(sample)["target"], whole)
    assert opened == [target]
    numbers = reader.target_alone(replace(sample, target=2.0))
    assert numbers["target"].tolist() == [2.0]
    assert "target" not in reader.target_alone(replace(sample, target=None))
    assert opened == [target]
