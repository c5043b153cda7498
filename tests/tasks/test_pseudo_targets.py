"""Predictions as targets: what the losses learn from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from comp.config.sections import LossConfig
from comp.contract.task import PseudoTargets, Task
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation

ABC = ("a", "b", "c")
NUMBERS = (
    (binary(("a", "b")), [0.7], 1, (0.3, 0.7), 0.7),
    (binary(("a", "b")), [0.2], 0, (0.8, 0.2), 0.8),
    (multiclass(ABC), [0.2, 0.5, 0.3], 1, (0.2, 0.5, 0.3), 0.5),
    (multilabel(ABC), [0.9, 0.4, 0.0], (1, 0, 0), (0.9, 0.4, 0.0), 0.6),
    (ordinal(4), [2.3], 2, 2.3, None),
    (ordinal(4), [2.5], 3, 2.5, None),
    (regression(), [1.5], 1.5, 1.5, None),
    (regression(("x", "y")), [1.5, -2.0], (1.5, -2.0), (1.5, -2.0), None),
)


def pseudo_of(task: Task) -> PseudoTargets:
    assert task.pseudo
    return task.pseudo


@pytest.mark.parametrize(("task", "prediction", "hard", "soft", "confidence"), NUMBERS)
def test_numbers(
    task: Task, prediction: list[float], hard: Any, soft: Any, confidence: Any
) -> None:
    targets, array = pseudo_of(task), np.array(prediction, dtype=np.float32)
    assert targets.hard(array) == pytest.approx(hard)
    assert task.check(targets.hard(array)) == ""
    assert targets.soft
    assert targets.soft(array) == pytest.approx(soft)
    assert (targets.confidence is None) == (confidence is None)
    if targets.confidence:
        assert targets.confidence(array) == pytest.approx(confidence)


@pytest.mark.parametrize("task", [binary(("a", "b")), multiclass(ABC)])
def test_labelled_and_soft_targets_of_classes_have_one_shape(task: Task) -> None:
    targets, count = pseudo_of(task), len(task.labels)
    assert targets.encode
    assert task.soften
    label = targets.encode(np.array([1], dtype=np.float32))
    soft = targets.encode(np.full(count, 1 / count, dtype=np.float32))
    assert label.tolist() == [0, 1, 0][:count]
    assert targets.soften
    mixed = targets.soften(torch.from_numpy(np.stack([label, soft])), 0.1)
    indices = task.soften(torch.tensor([[1.0]]), 0.1)
    assert torch.equal(mixed[:1], indices)
    assert torch.allclose(mixed[1], torch.full((count,), 1 / count))


def test_masks_keep_their_probabilities() -> None:
    array = np.array([[[0.2], [0.7]]], dtype=np.float32)
    targets = pseudo_of(segmentation())
    assert targets.soft
    assert targets.encode
    assert targets.hard(array).tolist() == [[[0], [1]]]
    assert targets.encode(targets.soft(array)).tolist() == array.tolist()
    file = np.array([[[0], [255]]], dtype=np.uint8)
    assert targets.encode(file).tolist() == [[[0], [1]]]


def test_exclusive_masks_are_one_hot_or_shares() -> None:
    array = np.array([[[0.2, 0.5, 0.3]]], dtype=np.float32)
    targets = pseudo_of(segmentation(ABC, exclusive=True))
    assert targets.soft
    assert targets.encode
    assert targets.hard(array).tolist() == [[[0, 1, 0]]]
    assert targets.encode(targets.soft(array)).tolist() == array.tolist()
    assert targets.encode(np.array([[[2]]], dtype=np.uint8)).tolist() == [[[0, 0, 1]]]


def test_images_become_8_bits() -> None:
    targets = pseudo_of(image_to_image())
    pixels = targets.hard(np.array([[[0.5], [1.2]]], dtype=np.float32))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[[128], [255]]]


@pytest.mark.parametrize("name", ["corn", "cumulative"])
def test_an_expected_grade_is_a_mixture_of_two_grades(name: str) -> None:
    """2.25 costs 0.75 of the grade 2 and 0.25 of the grade 3."""
    loss = ordinal(4).make_loss(name, LossConfig(), [])
    raw = torch.tensor([[0.3, -0.2, 0.7]] if name == "corn" else [[0.0, 0.3, -0.2, 0.7]])
    two, three, between = (float(loss(raw, torch.tensor([[g]]))) for g in (2.0, 3.0, 2.25))
    assert between == pytest.approx(0.75 * two + 0.25 * three, abs=1e-6)
