"""Losses between values, against numpy."""

from __future__ import annotations

import pickle
from typing import get_args

import numpy as np
import pytest
import torch

from comp.config.sections import LossConfig, LossName
from comp.training.value_losses import VALUE_LOSSES, check_equal_shapes, value_loss

RAW = torch.tensor([[0.2, -1.0], [3.0, 0.05]])
TARGET = torch.tensor([[0.0, 1.0], [0.5, 0.0]])
DELTA = 0.5


def expected(name: str) -> float:
    error = np.abs(RAW.numpy().astype(np.float64) - TARGET.numpy())
    huber = np.where(error < DELTA, error**2 / 2, DELTA * (error - DELTA / 2))
    values = {
        "mse": error**2,
        "mae": error,
        "huber": huber,
        "smooth_l1": huber / DELTA,
        "charbonnier": np.sqrt(error**2 + DELTA**2),
    }
    return float(values[name].mean())


@pytest.mark.parametrize("name", VALUE_LOSSES)
def test_a_loss_is_that_of_numpy(name: str) -> None:
    loss = value_loss(name, LossConfig(delta=DELTA))
    assert loss(RAW, TARGET).item() == pytest.approx(expected(name), rel=1e-6)
    image = loss(RAW.reshape(2, 1, 2, 1), TARGET.reshape(2, 1, 2, 1))
    assert image.item() == pytest.approx(expected(name), rel=1e-6)


def test_huber_is_square_below_delta_and_straight_above() -> None:
    loss, zero = value_loss("huber", LossConfig(delta=0.5)), torch.zeros(1)
    assert loss(torch.tensor([0.2]), zero).item() == pytest.approx(0.02)
    assert loss(torch.tensor([2.0]), zero).item() == pytest.approx(0.5 * (2 - 0.25))


def test_smooth_l1_has_the_slope_one_far_from_the_target() -> None:
    loss, zero = value_loss("smooth_l1", LossConfig(delta=0.5)), torch.zeros(1)
    assert loss(torch.tensor([0.2]), zero).item() == pytest.approx(0.04)
    assert loss(torch.tensor([2.0]), zero).item() == pytest.approx(2 - 0.25)


def test_charbonnier_is_round_at_zero_and_straight_far_from_it() -> None:
    loss, zero = value_loss("charbonnier", LossConfig(delta=3.0)), torch.zeros(1)
    assert loss(torch.tensor([4.0]), zero).item() == pytest.approx(5.0)
    assert loss(torch.tensor([1e4]), zero).item() == pytest.approx(1e4, rel=1e-6)
    assert loss(zero, zero).item() == pytest.approx(3.0)


@pytest.mark.parametrize("name", VALUE_LOSSES)
@pytest.mark.parametrize(
    ("raw", "target"), [((4, 1), (4,)), ((4,), (4, 1)), ((4, 2), (4, 1)), ((2, 3, 4, 4), (1, 4, 4))]
)
def test_shapes_that_differ_are_refused(
    name: str, raw: tuple[int, ...], target: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        value_loss(name, LossConfig())(torch.zeros(raw), torch.ones(target))
    assert str(raw) in str(caught.value)
    assert str(target) in str(caught.value)


def test_equal_shapes_pass() -> None:
    check_equal_shapes(torch.zeros(3, 1), torch.ones(3, 1))


@pytest.mark.parametrize("name", VALUE_LOSSES)
def test_the_loss_of_bf16_outputs_is_float32(name: str) -> None:
    raw = RAW.to(torch.bfloat16).requires_grad_()
    value = value_loss(name, LossConfig())(raw, TARGET + 1000.0)
    value.backward()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(
        value_loss(name, LossConfig())(raw.detach().float(), TARGET + 1000.0).item(), rel=1e-6
    )
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert (raw.grad != 0).all()


@pytest.mark.parametrize("name", VALUE_LOSSES)
def test_a_loss_can_be_pickled_and_configured(name: str) -> None:
    assert name in get_args(LossName)
    loss = value_loss(name, LossConfig(delta=DELTA))
    assert pickle.loads(pickle.dumps(loss))(RAW, TARGET) == loss(RAW, TARGET)  # noqa: S301
