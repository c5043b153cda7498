"""Coordinates do not move with a flipped image, and the user is warned once."""

from __future__ import annotations

from typing import Any

import albumentations as A
import pytest
from toys import toy

from comp.config.schema import resolve
from comp.contract.competition import Competition
from comp.pipeline.moved_targets import moved_targets_note
from comp.tasks.classification import classifier
from comp.tasks.regression import regression

STILL: dict[str, Any] = {"flip": False, "rotate": 0, "shift": 0, "scale": 0}


def note(columns: tuple[str, ...], augment: dict[str, Any]) -> str:
    competition = classifier(
        task=regression(columns), name="points", title="P", kaggle="competitions/p", metric="rmse",
        samples=lambda root, split: [], draw_synthetic=lambda root, rng: None,
    )  # fmt: skip
    config = resolve("points", [competition.defaults, {"augment": augment, "image": {"size": 32}}])
    return moved_targets_note(competition, config)


def test_flips_of_coordinates_are_warned_of() -> None:
    assert note(("eye_x", "eye_y"), {}) == (
        "the targets eye_x, eye_y look like places in the image, but training moves only the image "
        "(Affine, HorizontalFlip): if they are places, set augment.flip = false, augment.rotate = "
        "0, augment.shift = 0, augment.scale = 0, and leave predict.tta = auto"
    )


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"vertical": True}, "set augment.vertical = false, and leave"),
        ({"quarter_turns": True}, "set augment.quarter_turns = false, and leave"),
        ({"shift": 0.1}, "augment.shift = 0"),
    ],
)
def test_each_setting_is_named(change: dict[str, Any], remedy: str) -> None:
    assert remedy in note(("x", "y"), STILL | change)


def test_nothing_is_said_if_nothing_moves_or_no_target_is_a_place() -> None:
    assert note(("x", "y"), STILL) == ""
    assert note(("age",), {}) == ""


def test_nothing_is_said_of_a_pipeline_that_moves_keypoints() -> None:
    def own(_config: Any, _train: bool) -> A.Compose:
        keypoints = A.KeypointParams(format="xy")
        return A.Compose([A.HorizontalFlip(p=0.5)], keypoint_params=keypoints)

    def without(_config: Any, _train: bool) -> A.Compose:
        return A.Compose([A.HorizontalFlip(p=0.5)])

    def warned(pipeline: Any) -> bool:
        competition: Competition = toy(regression(("x", "y")), pipeline=pipeline)
        return bool(moved_targets_note(competition, resolve("toy", [])))

    assert (warned(own), warned(without)) == (False, True)
