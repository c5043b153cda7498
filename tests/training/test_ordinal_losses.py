"""Losses of ordered grades, against numpy, sample by sample."""

from __future__ import annotations

import math
import pickle
from typing import get_args

import numpy as np
import pytest
import torch

from comp.config.sections import LossName
from comp.training.ordinal_losses import ORDINAL_LOSSES, grade_probabilities, ordinal_loss

RAW = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 1.0], [0.3, 0.2, 0.1], [1.0, 2.0, -1.0]])
TARGET = torch.tensor([[0.0], [1.0], [3.0], [2.0]])
NAMES = pytest.mark.parametrize("name", ORDINAL_LOSSES)


def expected(name: str, raw: np.ndarray, grades: list[int]) -> float:
    """As in the paper: the subset of each step, and the answers in it."""
    losses = []
    for row, grade in zip(raw, grades, strict=True):
        for k, value in enumerate(row):
            if name == "corn" and not grade > k - 1:
                continue
            p = 1 / (1 + math.exp(-float(value)))
            losses.append(-math.log(p if grade > k else 1 - p))
    return sum(losses) / len(losses)


@NAMES
def test_a_loss_is_that_of_numpy(name: str) -> None:
    found = ordinal_loss(name, 4)(RAW, TARGET)
    assert found.item() == pytest.approx(expected(name, RAW.numpy(), [0, 1, 3, 2]), rel=1e-6)


@NAMES
@pytest.mark.parametrize("grade", [0, 1, 2, 3])
def test_a_batch_may_lack_all_grades_but_one(name: str, grade: int) -> None:
    raw = RAW.clone().requires_grad_()
    value = ordinal_loss(name, 4)(raw, torch.full((4, 1), float(grade)))
    value.backward()
    assert value.item() == pytest.approx(expected(name, RAW.numpy(), [grade] * 4), rel=1e-6)
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert (raw.grad[:, 0] != 0).all()


def test_corn_asks_the_last_step_only_of_high_grades() -> None:
    raw = RAW.clone().requires_grad_()
    ordinal_loss("corn", 4)(raw, TARGET).backward()
    assert raw.grad is not None
    assert (raw.grad != 0).tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
        [True, True, True],
    ]


@NAMES
def test_two_grades_are_two_classes(name: str) -> None:
    raw, target = RAW[:, :1], torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    bce = torch.nn.functional.binary_cross_entropy_with_logits(raw, target)
    assert ordinal_loss(name, 2)(raw, target).item() == pytest.approx(bce.item(), rel=1e-6)
    assert torch.equal(grade_probabilities(name, raw), raw.sigmoid())


def test_probabilities_of_corn_are_products_that_never_rise() -> None:
    found = grade_probabilities("corn", RAW)
    p = 1 / (1 + np.exp(-RAW.numpy().astype(np.float64)))
    assert found.numpy() == pytest.approx(np.cumprod(p, axis=1), rel=1e-6)
    assert (found.diff(dim=1) <= 0).all()


def test_probabilities_of_cumulative_logits_are_their_sigmoids() -> None:
    assert torch.equal(grade_probabilities("cumulative", RAW), RAW.sigmoid())


@NAMES
def test_training_finds_the_grade_shares_of_the_data(name: str) -> None:
    """The best constant outputs give P(y > k) of the sample, and the mean grade as their sum."""
    target = torch.tensor([[0.0], [0.0], [0.0], [1.0], [3.0]])
    raw = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.LBFGS([raw], max_iter=100)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        value = ordinal_loss(name, 4)(raw.expand(5, 3), target) + 1e-9 * raw.square().sum()
        value.backward()
        return value

    optimizer.step(step)
    found = grade_probabilities(name, raw.detach())[0]
    assert found.tolist() == pytest.approx([2 / 5, 1 / 5, 1 / 5], abs=0.01)
    assert found.sum().item() == pytest.approx(target.mean().item(), abs=0.02)


@NAMES
@pytest.mark.parametrize(
    ("raw", "target"), [((4, 3), (4,)), ((4, 4), (4, 1)), ((4, 3), (4, 3)), ((4, 3), (1, 1))]
)
def test_other_shapes_are_refused(name: str, raw: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a loss of 4 grades takes \(N, 3\) and \(N, 1\)") as e:
        ordinal_loss(name, 4)(torch.zeros(raw), torch.zeros(target))
    assert str(raw) in str(e.value)
    assert str(target) in str(e.value)


def test_names_and_numbers_of_grades_are_checked() -> None:
    with pytest.raises(ValueError, match="'ce' is not a loss of grades"):
        ordinal_loss("ce", 4)
    with pytest.raises(ValueError, match="'ce' is not a loss of grades"):
        grade_probabilities("ce", RAW)
    with pytest.raises(ValueError, match="at least 2, found 1"):
        ordinal_loss("corn", 1)


@NAMES
def test_bf16_outputs_are_computed_in_float32(name: str) -> None:
    raw = (RAW * 50).to(torch.bfloat16).requires_grad_()
    value = ordinal_loss(name, 4)(raw, TARGET)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.equal(value, ordinal_loss(name, 4)(raw.detach().float(), TARGET))
    assert grade_probabilities(name, raw).dtype == torch.float32
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@NAMES
def test_a_loss_can_be_pickled_and_configured(name: str) -> None:
    assert name in get_args(LossName)
    loss = ordinal_loss(name, 4)
    assert pickle.loads(pickle.dumps(loss))(RAW, TARGET) == loss(RAW, TARGET)  # noqa: S301
