"""Random changes of images that albumentations does not have for every number of channels:
equalisation, resampling and JPEG; and the policies of torchvision.

Each draws its random numbers from the generators of its albumentations pipeline, so that they
follow from the seed of the draw.
"""

from __future__ import annotations

from typing import Any

import albumentations as A
import cv2
import numpy as np
import torch

from comp.data.images.equalize import equalized

_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_MOST_CHANNELS = 4
"""The channels that OpenCV resizes at once."""


class Equalize(A.ImageOnlyTransform):  # type: ignore[misc]
    """Equalises uint8 (H, W, C) as `comp.data.images.equalize` does.

    Args:
        how: "histogram" or "clahe".
        clip_limit: range of the clip limit of clahe, drawn for each image.
        p: probability.
    """

    def __init__(self, how: str, clip_limit: tuple[float, float] = (1.0, 4.0), p: float = 0.5):
        super().__init__(p=p)
        self.how, self.clip_limit = how, clip_limit

    def get_params(self) -> dict[str, Any]:
        """Draw the clip limit."""
        return {"limit": self.py_random.uniform(*self.clip_limit)}

    def apply(self, img: np.ndarray, limit: float, **_: Any) -> np.ndarray:
        """Return the equalised image."""
        return equalized(img, self.how, limit)


class Resample(A.ImageOnlyTransform):  # type: ignore[misc]
    """Makes an image (H, W, C) smaller and larger again, each with a random interpolation.

    Args:
        scale: range of the smaller side lengths, as a fraction of the original ones.
        p: probability.
    """

    def __init__(self, scale: tuple[float, float] = (0.25, 0.9), p: float = 0.5):
        super().__init__(p=p)
        self.scale = scale

    def get_params(self) -> dict[str, Any]:
        """Draw the scale and both interpolations."""
        draw = self.py_random
        return {
            "factor": draw.uniform(*self.scale),
            "down": draw.choice(_DOWN),
            "up": draw.choice(_UP),
        }

    def apply(self, img: np.ndarray, factor: float, down: int, up: int, **_: Any) -> np.ndarray:
        """Return the image of the same shape and type."""
        height, width = img.shape[:2]
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        parts = []
        for start in range(0, img.shape[2], _MOST_CHANNELS):
            part = np.ascontiguousarray(img[..., start : start + _MOST_CHANNELS])
            smaller = cv2.resize(part, small, interpolation=down)
            parts.append(cv2.resize(smaller, (width, height), interpolation=up))
        return np.concatenate([part.reshape(height, width, -1) for part in parts], axis=2)


class Jpeg(A.ImageOnlyTransform):  # type: ignore[misc]
    """Compresses uint8 (H, W, C) as a JPEG. Three channels are a colour image; of other numbers
    each channel is a grey image, so that all are changed in the same way.

    Args:
        quality: range of the quality, 1 to 100.
        p: probability.
    """

    def __init__(self, quality: tuple[int, int] = (30, 90), p: float = 0.5):
        super().__init__(p=p)
        self.quality = quality

    def get_params(self) -> dict[str, Any]:
        """Draw the quality."""
        return {"drawn": self.py_random.randint(*self.quality)}

    def apply(self, img: np.ndarray, drawn: int, **_: Any) -> np.ndarray:
        """Return the image with the traces of the compression."""
        if img.shape[2] == 3:
            bgr = _compressed(cv2.cvtColor(np.ascontiguousarray(img), cv2.COLOR_RGB2BGR), drawn)
            return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        planes = [np.ascontiguousarray(img[..., index]) for index in range(img.shape[2])]
        return np.stack([_compressed(plane, drawn) for plane in planes], axis=2)


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Grey (H, W) or BGR (H, W, 3) after a JPEG of this quality."""
    _, data = cv2.imencode(".jpg", image, (int(cv2.IMWRITE_JPEG_QUALITY), quality))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))


class Policy(A.ImageOnlyTransform):  # type: ignore[misc]
    """TrivialAugment (Müller and Hutter 2021, the wide space) or RandAugment (Cubuk et al. 2020,
    two operations of magnitude 9) of torchvision, on uint8 (H, W, C) of 1 or 3 channels.

    torchvision draws from the global generator of torch: its state is set for this image, and put
    back afterwards, so that neither the training nor another image depends on it.

    Args:
        name: "trivial" or "rand".
        p: probability.
    """

    def __init__(self, name: str, p: float = 1.0):
        from torchvision.transforms import v2  # type: ignore[import-untyped]

        super().__init__(p=p)
        self.name = name
        self._policy = {"trivial": v2.TrivialAugmentWide, "rand": v2.RandAugment}[name](
            interpolation=v2.InterpolationMode.BILINEAR
        )

    def get_params(self) -> dict[str, Any]:
        """Draw the seed of torch's generator."""
        return {"seed": self.py_random.getrandbits(63)}

    def apply(self, img: np.ndarray, seed: int, **_: Any) -> np.ndarray:
        """Return the changed image, of the same shape."""
        tensor = torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
            changed = self._policy(tensor)
        return np.ascontiguousarray(changed.numpy().transpose(1, 2, 0))
