"""What a prediction says: decisions, probabilities, numbers, masks and restored images."""

from __future__ import annotations

import numpy as np
import pytest
from toys import values

from comp.contract.task import Task
from comp.demo.answer import Answer, answer_of, on_page
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.segmentation import segmentation

GREY = np.full((400, 400), 100, np.uint8)


def answer(task: Task, prediction: object, *params: float) -> Answer:
    used = params or (task.decision.default if task.decision else ())
    return answer_of(task, np.asarray(prediction, np.float32), tuple(used), GREY)


def test_a_class_by_the_threshold_of_the_run_and_not_the_larger_probability() -> None:
    found = answer(binary(("healthy", "ill")), [0.4], 0.3)
    assert str(found.headline) == "decision: ill (threshold 0.3)"
    assert found.chances == pytest.approx({"healthy": 0.6, "ill": 0.4})
    assert (found.values, found.drawn) == ([], None)
    assert str(answer(binary(("healthy", "ill")), [0.4], 0.5).headline).startswith(
        "decision: healthy"
    )


def test_classes_labels_and_grades() -> None:
    found = answer(multiclass(("a", "b", "c")), [0.2, 0.5, 0.3])
    assert (str(found.headline), found.chances["c"]) == ("decision: b", pytest.approx(0.3))
    found = answer(multilabel(("a", "b", "c")), [0.9, 0.1, 0.8])
    assert str(found.headline) == "decision: a, c"
    assert found.chances == pytest.approx({"a": 0.9, "b": 0.1, "c": 0.8})
    found = answer(ordinal(("none", "mild", "severe")), [1.7])
    assert str(found.headline) == "decision: severe"
    assert (found.chances, [value for _, value in found.values]) == ({}, ["1.7"])


def test_numbers() -> None:
    assert str(answer(values(1), [3.25]).headline) == "prediction: 3.25"
    assert answer(values(2), [3.25, -1]).values == [("value 0", "3.25"), ("value 1", "-1")]


def test_masks_are_drawn_over_the_image() -> None:
    prediction = np.zeros((100, 100, 1))
    prediction[:50, :50] = 0.9
    found = answer(segmentation(("salt",)), prediction)
    assert str(found.headline) == "of the pixels: salt 25.0%"
    assert found.drawn is not None
    assert (found.drawn[300, 300] == 100).all()  # untouched
    assert found.drawn[10, 10, 0] > found.drawn[10, 10, 1]  # red


def test_a_restored_image() -> None:
    found = answer(image_to_image(), np.linspace(-0.5, 1.5, 400 * 400).reshape(400, 400, 1))
    assert found.drawn is not None
    assert (found.drawn.shape, found.drawn.min(), found.drawn.max()) == ((400, 400), 0, 255)


def test_a_prediction_that_is_not_finite_has_no_probabilities() -> None:
    found = answer(multiclass(("a", "b", "c")), [np.nan, 0.5, 0.5])
    assert (str(found.headline), found.chances) == ("decision: not finite", {})


def test_pictures_fit_the_page() -> None:
    assert on_page(np.zeros((4000, 2000), np.uint8)).shape == (1600, 800)
    assert on_page(np.zeros((8, 16, 3), np.uint8)).shape == (160, 320, 3)
    assert on_page(GREY) is GREY
