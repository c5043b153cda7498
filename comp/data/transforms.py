"""Random changes of images that libraries do not have for every number of channels: resampling and
JPEG; and the policies of torchvision."""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
import torch

DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_GLOBAL_GENERATOR = threading.Lock()
MOST_CHANNELS = 4
"""The channels that OpenCV resizes at once."""


def resampled(image: np.ndarray, factor: float, down: int, up: int) -> np.ndarray:
    """Make an image (H, W, C) smaller and larger again: of the same shape and type.

    Args:
        factor: the smaller side lengths, as a fraction of the original ones.
        down: OpenCV's interpolation, one of `DOWN`.
        up: the same, one of `UP`.
    """
    height, width = image.shape[:2]
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    parts = []
    for start in range(0, image.shape[2], MOST_CHANNELS):
        part = np.ascontiguousarray(image[..., start : start + MOST_CHANNELS])
        smaller = cv2.resize(part, small, interpolation=down)
        parts.append(cv2.resize(smaller, (width, height), interpolation=up))
    return np.concatenate([part.reshape(height, width, -1) for part in parts], axis=2)


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Uint8 (H, W, C) with the traces of a JPEG. Three channels are a colour image; of other
    numbers each channel is a grey image, so that all are changed in the same way.

    Args:
        quality: 1 to 100.
    """
    if image.shape[2] == 3:
        bgr = _compressed(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR), quality)
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    planes = [np.ascontiguousarray(image[..., index]) for index in range(image.shape[2])]
    return np.stack([_compressed(plane, quality) for plane in planes], axis=2)


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Grey (H, W) or BGR (H, W, 3) after a JPEG of this quality."""
    _, data = cv2.imencode(".jpg", image, (int(cv2.IMWRITE_JPEG_QUALITY), quality))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))


def policy_of(name: str) -> Any:
    """A policy of torchvision: "trivial" is TrivialAugment (Müller and Hutter 2021, the wide
    space), "rand" RandAugment (Cubuk et al. 2020, two operations of magnitude 9)."""
    from torchvision.transforms import v2  # type: ignore[import-untyped]

    classes = {"trivial": v2.TrivialAugmentWide, "rand": v2.RandAugment}
    return classes[name](interpolation=v2.InterpolationMode.BILINEAR)


def by_policy(policy: Any, image: np.ndarray, seed: int) -> np.ndarray:
    """Change uint8 (H, W, C) of 1 or 3 channels by a policy.

    torchvision draws from the global generator of torch: its state is set for this image, and put
    back afterwards, so that neither the training nor another image depends on it. One thread at a
    time does so.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        changed = policy(tensor)
    return np.ascontiguousarray(changed.numpy().transpose(1, 2, 0))
