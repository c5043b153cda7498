"""Arrays that comp shares with the code of a plugin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import albumentations as A
import numpy as np
import pytest
from toys import values

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Item, Reader, Sample
from comp.data.columns.reader import NUMBERS, ColumnReader
from comp.data.columns.treatment import Treatment
from comp.data.dataset import SampleSet
from comp.data.images.equalize import EqualizedReader
from comp.data.images.items import ItemReader
from comp.data.plugin_arrays import fresh_arrays, fresh_item, is_from_comp, with_own_features
from comp.inference.oof import read_target
from comp.inference.reading import ItemSet
from comp.tasks.image_to_image import image_to_image

SAMPLE = Sample(id="a")


def unchanged(image: np.ndarray) -> np.ndarray:
    return image


def test_functions_of_comp() -> None:
    encode = image_to_image(1).encode
    assert is_from_comp(encode)
    assert is_from_comp(partial(encode))
    assert not is_from_comp(unchanged)
    assert not is_from_comp(partial(partial(unchanged)))
    assert is_from_comp(partial(encode, encode, size=3))
    assert not is_from_comp(partial(encode, unchanged))
    assert not is_from_comp(partial(encode, change=unchanged))
    assert not is_from_comp(lambda target: target)
    assert not is_from_comp(len)


class Kept:
    """A plugin's reader that returns the arrays that it keeps."""

    def __init__(self) -> None:
        self.item = {"image": np.full((4, 4, 3), 100, np.uint8), "target": np.float32([[[0.5]]])}

    def __call__(self, _sample: Sample) -> Item:
        return self.item


@dataclass
class Darker:
    """A plugin's pipeline that works in place."""

    on_batch: Any = None

    def __call__(self, item: dict[str, Any], _seed: int) -> dict[str, Any]:
        item["image"] //= 2
        if "target" in item:
            item["target"] *= 0.5
        return item


@pytest.mark.parametrize("wrap", [lambda reader: reader, lambda r: EqualizedReader(r, "clahe")])
def test_augmentation_does_not_pile_up_in_what_a_reader_keeps(wrap: Any) -> None:
    kept = Kept()
    samples = SampleSet([SAMPLE], wrap(kept), A.Compose([]))
    samples.pipeline = Darker()
    first = {name: value.clone() for name, value in samples[0, 1].items()}
    for _ in range(3):
        again = samples[0, 2]
        assert all((again[name] == first[name]).all() for name in first)
    assert kept.item["image"].min() == 100


def test_predictions_see_what_the_reader_keeps() -> None:
    kept = Kept()
    pipeline: Any = Darker()
    items = ItemSet(samples=[SAMPLE], reader=kept, pipeline=pipeline)
    for _ in range(2):
        (part,) = items[0, 0]
        assert np.asarray(part.entries["image"]).max() == 50


def test_a_target_that_a_reader_keeps_is_scored_as_a_copy() -> None:
    kept = Kept()
    for _ in range(2):
        target = read_target(values(), SAMPLE, kept)
        assert target.max() == 0.5
        target *= 255


def test_new_arrays_of_comp_are_not_copied() -> None:
    item = {"image": np.zeros((2, 2, 3), np.uint8), "name": "a"}
    assert fresh_arrays(ItemReader(), item)["image"] is item["image"]
    own: Reader = lambda _sample: item  # type: ignore[assignment,return-value] # noqa: E731
    assert fresh_item(own, SAMPLE)["image"] is not item["image"]
    assert fresh_item(own, SAMPLE)["name"] == "a"


def test_columns_are_the_same_in_each_pass_of_a_reader_that_changes_cells() -> None:
    """The columns are treated anew for cells that are not known."""

    def older(sample: Sample) -> Item:
        sample.features["age"] += 1  # type: ignore[index]
        return {"image": np.zeros((2, 2, 3), np.uint8)}

    samples = [Sample(id=str(i), features={"age": float(i)}) for i in range(5)]
    treatment = Treatment.fit([sample.features for sample in samples], ColumnsConfig())
    reader = ColumnReader(treatment, with_own_features(older), samples)
    passes = [np.stack([reader(sample)[NUMBERS] for sample in samples]) for _ in range(2)]
    assert np.array_equal(*passes)
    assert [sample.features["age"] for sample in samples] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_only_readers_of_plugins_get_copies_of_features() -> None:
    plain = ItemReader()
    assert with_own_features(plain) is plain
    own: Reader = lambda _sample: {}  # noqa: E731
    assert not hasattr(with_own_features(own), "target_alone")
    assert not is_from_comp(with_own_features(own).reader)  # type: ignore[attr-defined]
    seen: list[Sample] = []
    fixed = replace(SAMPLE, features=MappingProxyType({"age": 1.0}))
    with_own_features(lambda sample: seen.append(sample) or {})(fixed)  # type: ignore[func-returns-value]
    assert seen == [fixed]
