"""What `augment` and `image.equalize` ask, and a competition cannot do, is refused in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition, ImageSpec
from comp.contract.sample import Sample
from comp.data.augment import classification_pipeline, mask_pipeline
from comp.data.images.prepared import PreparedImages
from comp.errors import ConfigError, DataError
from comp.pipeline.augment_checks import check_augmentation, check_first_image
from comp.tasks.image_pairs import crop_and_flip
from comp.tasks.segmentation import segmentation


def of_config(config: RunConfig, train: bool) -> A.Compose:
    return classification_pipeline(config, train, 24)


def with_masks(config: RunConfig, train: bool) -> A.Compose:
    return mask_pipeline(config, train, 24)


def own(_config: RunConfig, _train: bool) -> A.Compose:
    return A.Compose([A.HorizontalFlip(p=0.5)])


def spec(config: RunConfig) -> ImageSpec:
    return ImageSpec(size=24, channels=config.image.channels)


CLASSES = toy(classes=("a", "b"), pipeline=of_config, image_spec=spec)
MASKS = toy(segmentation(["x"]), pipeline=with_masks)
PAIRS = toy(pipeline=crop_and_flip)
OWN = toy(classes=("a", "b"), pipeline=own)


def check(competition: Competition, **sections: dict[str, Any]) -> None:
    check_augmentation(competition, resolve("toy", [sections]))


@pytest.mark.parametrize("preset", ["none", "light", "strong"])
@pytest.mark.parametrize("competition", [CLASSES, MASKS])
def test_what_fits_is_not_refused(competition: Competition, preset: str) -> None:
    check(competition, augment={"preset": preset, "jpeg": 0.5}, image={"equalize": "clahe"})


def test_policies_are_for_grey_and_colour_images_of_classes() -> None:
    for channels in (1, 3):
        check(CLASSES, augment={"preset": "trivial"}, image={"channels": channels})
    with pytest.raises(ConfigError, match="1 or 3 channels, and these have 4"):
        check(CLASSES, augment={"preset": "rand"}, image={"channels": 4})
    check(CLASSES, augment={"preset": "strong"}, image={"channels": 4})
    with pytest.raises(ConfigError, match=r"does not move the targets of .*mask"):
        check(MASKS, augment={"preset": "trivial"})


@pytest.mark.parametrize("competition", [PAIRS, OWN])
def test_a_key_that_the_pipeline_does_not_read_is_refused(competition: Competition) -> None:
    with pytest.raises(ConfigError, match=r"augment\.jpeg does nothing here"):
        check(competition, augment={"jpeg": 0.1})
    with pytest.raises(ConfigError, match=r"augment\.preset = light sets keys that toy"):
        check(competition, augment={"preset": "light"})
    check(competition, augment={"jpeg": 0.1}, loader={"augment": False})
    check(competition)


def test_targets_that_are_images_are_not_equalised_so_their_images_are_not_either() -> None:
    with pytest.raises(ConfigError, match=r"set image\.equalize = none"):
        check(PAIRS, image={"equalize": "clahe"})


def first_image(image: np.ndarray, **augment: Any) -> None:
    competition = replace(CLASSES, reader=lambda *_: lambda _sample: {"image": image})
    config = resolve("toy", [{"augment": augment}])
    check_first_image(competition, config, [Sample(id="a", image=Path("a"))], PreparedImages())


def test_an_own_reader_must_return_what_the_augmentation_changes() -> None:
    floats, bands = np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 5), np.uint8)
    with pytest.raises(DataError, match=r"augment\.clahe needs images of 8 bits.*float32"):
        first_image(floats, clahe=0.5)
    with pytest.raises(DataError, match=r"preset = trivial needs images of 1 or 3 channels"):
        first_image(bands, preset="trivial")
    first_image(bands, jpeg=0.5)
    first_image(floats, resample=0.5)
