"""The margin of ArcFace, against numpy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from toys import toy

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.arcface import add_margin
from comp.training.class_losses import outputs_of, soft_shares
from comp.training.losses import make_loss

SCALE, MARGIN = 20.0, 0.4
ANGLES = np.array([[0.3, 1.0, 2.0], [1.4, 0.2, 3.1], [2.0, 2.5, 2.9]])
LABELS = torch.tensor([[0.0], [1.0], [2.0]])


def raw_of(angles: Any) -> torch.Tensor:
    return torch.tensor(SCALE * np.cos(angles), dtype=torch.float32)


def arcface(classes: tuple[str, ...] = ("a", "b", "c"), **layer: Any) -> Loss:
    """The loss of raw outputs and class indices (N, 1)."""
    own = {
        "head": {"kind": "cosine"},
        "loss": {"name": "arcface", "margin": MARGIN, "scale": SCALE},
    }
    train = [
        Sample(id=f"{label}{copy}", image=Path("x.png"), target=float(label))
        for label in range(len(classes))
        for copy in range(1 + label)
    ]
    loss = make_loss(toy(classes=classes), resolve("toy", [own, layer]), train)
    return lambda raw, target: loss(raw, soft_shares(target, 0.0, len(classes)))


def outputs_by_numpy(margin: float) -> np.ndarray:
    """By the angles themselves: those of the classes 0, 1 and 2 of the three samples grow."""
    moved = ANGLES + margin * np.eye(3)
    cosines = np.cos(moved)
    beyond = np.cos(ANGLES) - margin * math.sin(margin)
    return np.asarray(SCALE * np.where(moved > math.pi, beyond, cosines))


def loss_by_numpy(margin: float, weights: np.ndarray) -> float:
    outputs = outputs_by_numpy(margin)
    logs = outputs - np.log(np.exp(outputs).sum(1, keepdims=True))
    return float(-(weights * logs[np.arange(3), np.arange(3)]).mean())


def test_outputs_and_loss_are_those_of_numpy() -> None:
    assert ANGLES[2, 2] + MARGIN > math.pi
    found = add_margin(raw_of(ANGLES), torch.eye(3), MARGIN, SCALE)
    np.testing.assert_allclose(found.numpy(), outputs_by_numpy(MARGIN), rtol=1e-4, atol=1e-4)
    value = arcface()(raw_of(ANGLES), LABELS).item()
    assert value == pytest.approx(loss_by_numpy(MARGIN, np.ones(3)), rel=1e-5)
    plain = arcface(loss={"margin": 0.0})(raw_of(ANGLES), LABELS).item()
    assert plain == pytest.approx(F.cross_entropy(raw_of(ANGLES), torch.arange(3)).item(), rel=1e-5)
    assert plain < value


def test_class_weights_count() -> None:
    balanced = arcface(loss={"weights": "balanced"})(raw_of(ANGLES), LABELS).item()
    assert balanced == pytest.approx(loss_by_numpy(MARGIN, np.array([2, 1, 2 / 3])), rel=1e-5)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.5])
def test_a_larger_angle_has_a_smaller_output(margin: float) -> None:
    angles = np.linspace(0.01, math.pi, 500)[:, None]
    found = add_margin(raw_of(angles), torch.ones(500, 1), margin, SCALE)
    assert bool((found.diff(dim=0) < 1e-5).all())


def test_gradients_at_extremes_are_finite() -> None:
    raw = (SCALE * torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0001, 0.0]])).requires_grad_()
    loss = arcface(("a", "b"))(raw, torch.tensor([[0.0], [0.0], [0.0]]))
    loss.backward()
    assert loss.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


def test_outputs_in_bf16_give_a_float32_loss() -> None:
    raw = raw_of(ANGLES).to(torch.bfloat16)
    assert torch.equal(arcface()(raw, LABELS), arcface()(raw.float(), LABELS))


def test_two_classes_have_two_outputs() -> None:
    assert outputs_of(2, "arcface") == 2
    assert toy(classes=("a", "b")).task.head_outputs("arcface") == 2


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (
            {"head": {"kind": "linear"}},
            r"needs cosines, but head\.kind = 'linear': set head\.kind=cosine$",
        ),
        (
            {"loader": {"mixup": 0.2}},
            r"one class per sample, .* by loader\.mixup = 0\.2: set it to 0$",
        ),
        (
            {"loader": {"cutmix": 1.0}, "loss": {"smoothing": 0.1}},
            r"loader\.cutmix = 1\.0 and loss\.smoothing = 0\.1: set them to 0$",
        ),
    ],
)
def test_what_has_no_margin_is_refused(layer: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=r"^loss\.name = 'arcface' needs") as caught:
        arcface(**layer)
    assert caught.match(words)


def test_a_task_without_exclusive_classes_refuses_it() -> None:
    with pytest.raises(ConfigError, match=r"loss\.name = 'arcface' does not fit toy"):
        make_loss(toy(), resolve("toy", [{"loss": {"name": "arcface"}}]), [])
