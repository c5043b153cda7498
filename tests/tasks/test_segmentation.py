"""The task of masks: what a Task has to say about them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from comp.config.sections import LossConfig
from comp.contract.metric import Pair
from comp.contract.task import decisions
from comp.errors import ConfigError
from comp.tasks.segmentation import EXCLUSIVE_LOSSES, LOSSES, segmentation
from comp.training.mask_losses import EXCLUSIVE_MASK_LOSSES, INDEPENDENT_MASK_LOSSES

ONE = segmentation(("salt",))
SEVERAL = segmentation(("car", "road"))
EXCLUSIVE = segmentation(("sky", "car", "road"), exclusive=True)


@pytest.mark.parametrize("task", [ONE, SEVERAL, EXCLUSIVE])
def test_a_task_can_be_pickled_and_predicts_an_image(task) -> None:
    assert pickle.loads(pickle.dumps(task)).labels == task.labels  # noqa: S301
    assert task.output == "image"
    assert task.outputs == len(task.labels)
    raw = torch.randn(2, task.outputs, 3, 4, dtype=torch.float16)
    chances = task.activation(raw)
    assert chances.dtype == torch.float32
    assert chances.min() >= 0
    assert chances.max() <= 1
    assert torch.allclose(chances.sum(1), torch.ones(2, 3, 4)) == (task is EXCLUSIVE)


def test_the_losses_are_those_of_masks() -> None:
    assert set(LOSSES) == set(INDEPENDENT_MASK_LOSSES)
    assert set(EXCLUSIVE_LOSSES) == set(EXCLUSIVE_MASK_LOSSES)
    assert segmentation(loss="lovasz").losses[0] == "lovasz"
    assert set(segmentation(loss="lovasz").losses) == set(LOSSES)


@pytest.mark.parametrize("task", [ONE, SEVERAL, EXCLUSIVE])
def test_every_loss_is_smallest_for_the_truth(task) -> None:
    mask = np.random.default_rng(0).integers(0, 2, (6, 5, 1 if task is EXCLUSIVE else task.outputs))
    target = torch.from_numpy(task.encode(mask.astype(np.uint8)).transpose(2, 0, 1)[None])
    for name in task.losses:
        loss = task.make_loss(name, LossConfig(), [])
        assert loss(20 * target - 10, target) < loss(torch.zeros_like(target), target)


def test_settings_that_masks_do_not_have_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"loss.weights = 'balanced' .* set loss.weights=none"):
        ONE.make_loss("bce", LossConfig(weights="balanced"), [])
    with pytest.raises(ConfigError, match=r"loss.smoothing = 0.1 does not fit masks"):
        ONE.make_loss("bce", LossConfig(smoothing=0.1), [])


def test_a_target_is_a_path() -> None:
    assert ONE.check(Path("a.png")) == ""
    assert ONE.check(1.0) == "is not the path of a mask"
    assert ONE.check(None) == "is not the path of a mask"


def test_masks_of_0_and_1_are_the_targets_of_masks_of_0_and_255() -> None:
    """They were divided by 255, so OOF Dice was 1.0 and every submitted mask was empty."""
    mask = np.random.default_rng(0).integers(0, 2, (6, 5, 1)).astype(np.uint8)
    assert np.array_equal(ONE.encode(mask), ONE.encode(mask * 255))
    assert ONE.encode(mask).max() == 1


def test_values_are_refused_by_the_check_and_by_the_encoding() -> None:
    assert "0, 1, 2" in ONE.check_image(np.array([[0, 1, 2]]))
    assert "0, 3" in EXCLUSIVE.check_image(np.array([[0, 3]]))
    assert ONE.check_image(np.array([[0, 255]])) == ""
    assert segmentation(threshold=127).check_image(np.array([[0, 3, 250]])) == ""


def test_the_parameters_of_a_decision_have_names() -> None:
    assert ONE.decision.names == ("threshold", "least area", "least confidence")
    assert SEVERAL.decision.names[3:5] == ("threshold of road", "least area of road")
    assert len(SEVERAL.decision.default) == 6
    assert EXCLUSIVE.decision.names == EXCLUSIVE.decision.default == ()


@pytest.mark.parametrize("task", [ONE, SEVERAL, EXCLUSIVE])
def test_the_scores_of_a_task_are_those_of_its_decisions(task) -> None:
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 2, (8, 9, 1 if task is EXCLUSIVE else task.outputs)).astype(np.uint8)
    pairs = [Pair(task.encode(mask), rng.random((8, 9, task.outputs)), str(i)) for i in range(4)]
    scores = task.scores(pairs, task.decision.default, 0)
    from comp.contract.metrics import DICE

    expected = DICE.score(decisions(task, pairs, task.decision.default))
    assert scores[-1].estimates["dice"].value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"classes": ()}, "give one or more different names"),
        ({"classes": ("a", "a")}, "give one or more different names"),
        ({"classes": ("a",), "exclusive": True}, "one of them for the background"),
        ({"loss": "ce"}, "loss = 'ce' does not fit masks: use one of bce_dice"),
        ({"classes": ("a", "b"), "exclusive": True, "threshold": 1}, "exclusive classes have"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        segmentation(**arguments)


def test_one_class_may_be_a_text() -> None:
    """Its letters were four classes."""
    assert segmentation("salt").labels == ("salt",)
