"""Predictions as training targets, of every kind of task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.task import PseudoTargets

if TYPE_CHECKING:
    import numpy as np
    import torch

GRADE_LOSSES = ("mse", "smooth_l1", "huber", "mae", "corn", "cumulative")
LABEL_LOSSES = ("bce", "focal", "asymmetric")
HALF = 0.5


def class_targets(probabilities: Callable[[np.ndarray], np.ndarray], count: int) -> PseudoTargets:
    """Targets of `count` classes that exclude each other: the most probable one, or the shares of
    all. The own loss of a competition and arcface need one class per sample.

    Args:
        probabilities: predictions (N, K) -> shares of the classes, (N, count), of sum 1.
    """
    return PseudoTargets(
        hard=partial(_class, probabilities),
        soft=partial(_shares, probabilities),
        soft_losses=("bce", "ce", "focal"),
        encode=partial(_as_shares, count),
        soften=_smoothed,
        confidence=partial(_largest, probabilities),
    )


def label_targets() -> PseudoTargets:
    """Targets of several labels: each from a probability of 0.5 on, or the probabilities. A sample
    is as sure as its least sure label."""
    return PseudoTargets(
        hard=_labels, soft=_numbers, soft_losses=LABEL_LOSSES, confidence=_least_sure
    )


def grade_targets(count: int) -> PseudoTargets:
    """Targets of `count` grades: the nearest one, or the expected grade."""
    return PseudoTargets(hard=partial(_grade, count), soft=_numbers, soft_losses=GRADE_LOSSES)


def value_targets() -> PseudoTargets:
    """Targets that are numbers, as they are predicted."""
    return PseudoTargets(hard=_numbers, soft=_numbers)


def mask_targets(
    exclusive: bool, classes: int, encode: Callable[[np.ndarray], np.ndarray]
) -> PseudoTargets:
    """Targets of masks, float32 (H, W, K): 0 and 1 from a probability of 0.5 on (exclusive classes:
    the most probable one), or the probabilities.

    Args:
        encode: encodes the masks of labelled samples.
    """
    return PseudoTargets(
        hard=_one_hot if exclusive else _masks,
        soft=_as_float32,
        encode=partial(_masks_or_probabilities, encode, classes),
    )


def image_targets() -> PseudoTargets:
    """Targets that are images of 8 bits, as they are predicted: 0 to 1 becomes 0 to 255."""
    return PseudoTargets(hard=_pixels, soft=_pixels)


def _class(probabilities: Callable[[np.ndarray], np.ndarray], prediction: np.ndarray) -> int:
    return int(probabilities(prediction[None])[0].argmax())


def _shares(
    probabilities: Callable[[np.ndarray], np.ndarray], prediction: np.ndarray
) -> tuple[float, ...]:
    return tuple(probabilities(prediction[None])[0].tolist())


def _largest(probabilities: Callable[[np.ndarray], np.ndarray], prediction: np.ndarray) -> float:
    return float(probabilities(prediction[None])[0].max())


def _as_shares(count: int, target: np.ndarray) -> np.ndarray:
    """The index of a class (1,) as shares (K,); shares stay as they are. K is at least 2."""
    import numpy as np

    values = np.asarray(target, dtype=np.float32)
    if values.shape == (count,):
        return values
    shares = np.zeros(count, dtype=np.float32)
    shares[int(values.item())] = 1
    return shares


def _smoothed(shares: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Shares of the classes (N, K) with label smoothing."""
    return shares.float() * (1 - smoothing) + smoothing / shares.shape[1]


def _labels(prediction: np.ndarray) -> tuple[int, ...]:
    return tuple((prediction >= HALF).astype(int).tolist())


def _least_sure(prediction: np.ndarray) -> float:
    import numpy as np

    return float(np.maximum(prediction, 1 - prediction).min())


def _grade(count: int, prediction: np.ndarray) -> int:
    import numpy as np

    return int(np.clip(np.floor(prediction.item() + HALF), 0, count - 1))


def _numbers(prediction: np.ndarray) -> Any:
    """A number, or a tuple of several."""
    values = tuple(prediction.astype("float64").tolist())
    return values[0] if len(values) == 1 else values


def _masks(prediction: np.ndarray) -> np.ndarray:
    return (prediction >= HALF).astype("float32")


def _one_hot(prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    largest = prediction.argmax(axis=-1)[..., None]
    return np.asarray(largest == np.arange(prediction.shape[-1]), dtype=np.float32)


def _as_float32(prediction: np.ndarray) -> np.ndarray:
    return prediction.astype("float32")


def _masks_or_probabilities(
    encode: Callable[[np.ndarray], np.ndarray], classes: int, target: np.ndarray
) -> np.ndarray:
    """Encode a mask; probabilities are float32 (H, W, classes), which no mask file is."""
    if target.dtype == "float32" and target.shape[2:] == (classes,):
        return target.clip(0, 1)  # a resize in the augmentation may leave 0..1
    return encode(target)


def _pixels(prediction: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(np.round(np.clip(prediction, 0, 1) * 255), dtype=np.uint8)
