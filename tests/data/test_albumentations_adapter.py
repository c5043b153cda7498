"""The one module that uses albumentations."""

from __future__ import annotations

import pickle
import random
import re
from pathlib import Path

import albumentations as A
import numpy as np
import pytest

import comp
from comp.contract.pipeline import Change, Pipeline
from comp.data import steps as of
from comp.data.albumentations_adapter import adapted, compose

ROOT = Path(comp.__file__).parents[1]


def test_no_other_module_imports_albumentations() -> None:
    files = [*(ROOT / "comp").rglob("*.py"), *(ROOT / "competitions").rglob("*.py")]
    importing = re.compile(r"^\s*(import albumentations|from albumentations\b)", re.MULTILINE)
    found = [path.name for path in files if importing.search(path.read_text())]
    assert found == ["albumentations_adapter.py"]


def test_a_draw_is_what_a_seeded_compose_makes() -> None:
    made = A.Compose([A.RandomCrop(5, 6), A.HorizontalFlip(), A.GaussNoise(p=0.5)])
    image = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    pipeline = adapted(made)
    assert isinstance(pipeline, Pipeline)
    for seed in range(5):
        found = pipeline({"image": image}, seed)["image"]
        made.set_random_state(np.random.default_rng(seed), random.Random(seed))
        assert np.array_equal(found, made(image=image)["image"])


def test_a_compose_of_nothing_passes_the_item_on_without_a_copy() -> None:
    image = np.zeros((4, 4, 1), np.uint8)
    assert compose([])({"image": image}, 3)["image"] is image


def test_changes_are_those_that_are_ever_applied() -> None:
    steps = [
        A.OneOf([A.HorizontalFlip(), A.Blur()]),
        A.VerticalFlip(p=0),
        A.Sequential([A.Transpose()], p=0),
        A.D4(),
        A.Rotate((-180, 180)),
        A.Affine(rotate=(-20, 20)),
        A.CenterCrop(3, 3),
    ]
    assert adapted(A.Compose(steps)).changes == [
        Change("HorizontalFlip", "hflip"),
        Change("Blur", "values"),
        Change("D4", "dihedral"),
        Change("Rotate", "any angle"),
        Change("Affine", "moves"),
        Change("CenterCrop", "middle"),
    ]


STEPS: list[of.Step] = [
    of.CenterCrop(height=8, width=8),
    of.RandomCrop(height=8, width=8),
    of.RandomResizedCrop(height=8, width=8, area=(0.5, 1), ratio=(0.8, 1.2)),
    of.HorizontalFlip(),
    of.VerticalFlip(),
    of.RandomRotate90(),
    of.Affine(scale=(0.9, 1.1), shift=(0, 0.1), rotate=(-180, 180)),
    of.Affine(scale=(0.9, 1.1), shift=(0, 0.1), rotate=(-5, 5)),
    of.Stretch(width=(0.9, 1.1)),
    of.Policy(policy="rand"),
    of.Equalize(how="clahe"),
    of.RandomBrightnessContrast(brightness=0.1, contrast=0.1),
    of.RandomGamma(gamma=(0.8, 1.2)),
    of.ColorJitter(saturation=(0.8, 1.2), hue=(-0.1, 0.1)),
    of.Sharpen(kernel=(3, 7), sigma=(0.5, 2), alpha=(0.2, 0.5)),
    of.GaussNoise(std=(0.1, 0.2)),
    of.Resample(),
    of.Jpeg(),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_says_of_itself_what_the_library_says(step: of.Step) -> None:
    """So a pipeline on the device is recorded as one on the CPU is."""
    (change,) = compose([step]).changes
    assert change.kind == step.change().kind
    same = {"Sharpen": "UnsharpMask"}
    assert change.name == same.get(step.change().name, step.change().name)
    image = np.full((8, 8, 3), 90, np.uint8)
    pipeline = pickle.loads(pickle.dumps(compose([step])))  # noqa: S301
    assert pipeline({"image": image}, 0)["image"].shape == (8, 8, 3)


def test_masks_move_and_other_targets_pass() -> None:
    item = {"image": np.zeros((4, 4, 1), np.uint8), "target": np.arange(16).reshape(4, 4, 1)}
    flip = of.HorizontalFlip(p=1)
    assert compose([flip], masks=True)(dict(item), 0)["target"][0, 0, 0] == 3
    assert compose([flip])(dict(item), 0)["target"][0, 0, 0] == 0


def test_key_points_are_said_to_move() -> None:
    points = A.KeypointParams(format="xy")
    assert adapted(A.Compose([A.HorizontalFlip()], keypoint_params=points)).moves_points
    assert not compose([of.HorizontalFlip()]).moves_points
