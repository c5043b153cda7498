"""Everything that comp does with albumentations: no other module imports it.

albumentations 2.0.8 is the last release under the MIT licence. Another library takes its place by
another module with `compose`, and `adapted` for the pipelines of plugins.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np

from comp.contract.pipeline import BatchPipeline, Change, ChangeKind
from comp.contract.sample import Item
from comp.data import steps as of
from comp.data.images.equalize import equalized
from comp.data.transforms import DOWN, UP, by_policy, compressed, policy_of, resampled
from comp.errors import CompetitionError

_BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "black": cv2.BORDER_CONSTANT}
_MOVING = frozenset(
    {"Policy", "RandomResizedCrop", "RandomCrop", "Affine", "Rotate", "SafeRotate"}
    | {"ShiftScaleRotate"}
)
"""Transforms that move the content of an image, besides flips and turns."""


class AlbumentationsPipeline:
    """A `comp.contract.pipeline.Pipeline` of an albumentations Compose."""

    def __init__(
        self,
        made: A.BaseCompose,
        on_batch: BatchPipeline | None = None,
        by_threads: bool = False,
    ) -> None:
        self.made = made
        self.on_batch = on_batch
        self.by_threads = by_threads
        """Whether several threads may use copies of it at the same time."""

    def __call__(self, item: Item, seed: int) -> Item:
        """Change an item.

        All transforms of a draw share one pair of generators. `Compose.set_random_seed` would give
        each its own generator with the same seed. Their first numbers would be equal: an image that
        flips one way would always flip the other way too.
        """
        if not self.made.transforms:
            return dict(item)
        self.made.set_random_state(np.random.default_rng(seed), random.Random(seed))
        changed: Item = self.made(**item)
        return changed

    def describe(self) -> str:
        """The pipeline as text."""
        later = [self.on_batch.describe()] if self.on_batch else []
        return "\n".join([repr(self.made), *later])

    @property
    def changes(self) -> Sequence[Change]:
        """The transforms that are ever applied, also those inside others, then those of batches."""
        later = self.on_batch.changes if self.on_batch else []
        return [*(Change(_name(step), _kind(step)) for step in _leaves(self.made)), *later]

    @property
    def moves_points(self) -> bool:
        """Whether the pipeline moves key points."""
        return "keypoints" in getattr(self.made, "processors", {})


def adapted(made: Any) -> AlbumentationsPipeline:
    """The pipeline of a plugin.

    Raises:
        CompetitionError: it is no Compose of albumentations.
    """
    if not isinstance(made, A.BaseCompose):
        raise CompetitionError(
            f"the pipeline of the competition is a {type(made).__name__}: return a Compose of "
            "albumentations, or a comp.contract.pipeline.Pipeline"
        )
    return AlbumentationsPipeline(made, by_threads=not any(map(_calls_plugin, _leaves(made))))


def _calls_plugin(step: A.BasicTransform) -> bool:
    """Whether a transform is, or may call, a function of the plugin."""
    called = (type(step), getattr(step, "read_fn", None))
    modules = (each.__module__ or "" for each in called if each is not None)
    return isinstance(step, A.Lambda) or not all(m.startswith("albumentations.") for m in modules)


def compose(
    steps: Sequence[of.Step], masks: bool = False, on_batch: BatchPipeline | None = None
) -> AlbumentationsPipeline:
    """A pipeline of comp's own steps.

    Args:
        masks: whether the target is an image that moves with its image, and keeps its values.
        on_batch: what is left to do with batches.
    """
    made = [_MAKERS[type(step)](step) for step in steps]
    targets = {"additional_targets": {"target": "mask"}} if masks else {}
    by_threads = not any(isinstance(step, of.Own) for step in steps)
    return AlbumentationsPipeline(A.Compose(made, **targets), on_batch, by_threads)


def _leaves(made: A.BaseCompose) -> Iterator[A.BasicTransform]:
    """The transforms that are ever applied, also those inside others."""
    for step in made.transforms:
        if step.p > 0:
            yield from _leaves(step) if isinstance(step, A.BaseCompose) else (step,)


def _name(step: A.BasicTransform) -> str:
    return type(step.made).__name__ if isinstance(step, Own) else type(step).__name__


def _kind(step: A.BasicTransform) -> ChangeKind:
    kinds: tuple[tuple[type, ChangeKind], ...] = (
        (A.D4, "dihedral"),
        (A.HorizontalFlip, "hflip"),
        (A.VerticalFlip, "vflip"),
        (A.Transpose, "transpose"),
        (A.RandomRotate90, "turns"),
    )
    found = next((kind for cls, kind in kinds if isinstance(step, cls)), None)
    if found:
        return found
    if type(step) is A.CenterCrop:
        return "middle"
    angles = getattr(step, "rotate", None) or getattr(step, "limit", None)
    if isinstance(angles, tuple) and len(angles) == 2 and angles[1] - angles[0] >= 360:
        return "any angle"
    return "moves" if type(step).__name__ in _MOVING else "values"


class Equalize(A.ImageOnlyTransform):  # type: ignore[misc]
    """`comp.data.images.equalize`, with a clip limit of clahe for each image."""

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
    """`comp.data.transforms.resampled`, with a random scale and random interpolations."""

    def __init__(self, scale: tuple[float, float] = (0.25, 0.9), p: float = 0.5):
        super().__init__(p=p)
        self.scale = scale

    def get_params(self) -> dict[str, Any]:
        """Draw the scale and both interpolations."""
        draw = self.py_random
        return {
            "factor": draw.uniform(*self.scale),
            "down": draw.choice(DOWN),
            "up": draw.choice(UP),
        }

    def apply(self, img: np.ndarray, factor: float, down: int, up: int, **_: Any) -> np.ndarray:
        """Return the image of the same shape and type."""
        return resampled(img, factor, down, up)


class Jpeg(A.ImageOnlyTransform):  # type: ignore[misc]
    """`comp.data.transforms.compressed`, with a random quality."""

    def __init__(self, quality: tuple[int, int] = (30, 90), p: float = 0.5):
        super().__init__(p=p)
        self.quality = quality

    def get_params(self) -> dict[str, Any]:
        """Draw the quality."""
        return {"drawn": self.py_random.randint(*self.quality)}

    def apply(self, img: np.ndarray, drawn: int, **_: Any) -> np.ndarray:
        """Return the image with the traces of the compression."""
        return compressed(img, drawn)


class Policy(A.ImageOnlyTransform):  # type: ignore[misc]
    """`comp.data.transforms.by_policy`, with a seed of its own for each image."""

    def __init__(self, name: str, p: float = 1.0):
        super().__init__(p=p)
        self.name = name
        self._policy = policy_of(name)

    def get_params(self) -> dict[str, Any]:
        """Draw the seed of torch's generator."""
        return {"seed": self.py_random.getrandbits(63)}

    def apply(self, img: np.ndarray, seed: int, **_: Any) -> np.ndarray:
        """Return the changed image, of the same shape."""
        return by_policy(self._policy, img, seed)


class Own(A.ImageOnlyTransform):  # type: ignore[misc]
    """A change that a competition makes itself."""

    def __init__(self, made: of.ImageChange, p: float = 1.0):
        super().__init__(p=p)
        self.made = made

    def get_params(self) -> dict[str, Any]:
        """Draw the random numbers with the generator that the pipeline seeds."""
        return {"drawn": self.made.draw(self.py_random)}

    def apply(self, img: np.ndarray, drawn: Any, **_: Any) -> np.ndarray:
        """Return the changed image."""
        return self.made.apply(img, drawn)


def _stretch(step: of.Stretch) -> A.Affine:
    scale = {"x": step.width, "y": (1.0, 1.0)}
    return A.Affine(scale=scale, keep_ratio=False, border_mode=_BORDERS[step.border], p=step.p)


def _affine(step: of.Affine) -> A.Affine:
    return A.Affine(
        scale=step.scale,
        translate_percent={"x": step.shift, "y": step.shift},
        rotate=step.rotate,
        keep_ratio=True,
        border_mode=_BORDERS[step.border],
        p=step.p,
    )


def _blur(step: of.Blur) -> A.OneOf:
    blurs: list[A.BasicTransform] = [A.GaussianBlur(sigma_limit=step.sigma, p=1.0)]
    if step.downscale:
        interpolation = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
        blurs.append(A.Downscale(step.downscale, interpolation_pair=interpolation, p=1.0))
    return A.OneOf(blurs, p=step.p)


def _color(step: of.ColorJitter) -> A.ColorJitter:
    still = {"brightness": (1, 1), "contrast": (1, 1)}
    return A.ColorJitter(**still, saturation=step.saturation, hue=step.hue, p=step.p)


def _random_crop(s: of.RandomCrop) -> A.RandomCrop:
    border = _BORDERS[s.border]
    return A.RandomCrop(s.height, s.width, pad_if_needed=True, border_mode=border, p=s.p)


_MAKERS: dict[type[of.Step], Callable[[Any], A.BasicTransform | A.BaseCompose]] = {
    of.CenterCrop: lambda s: A.CenterCrop(s.height, s.width, p=s.p),
    of.RandomCrop: _random_crop,
    of.RandomResizedCrop: lambda s: A.RandomResizedCrop(
        (s.height, s.width), scale=s.area, ratio=s.ratio, p=s.p
    ),
    of.HorizontalFlip: lambda s: A.HorizontalFlip(p=s.p),
    of.VerticalFlip: lambda s: A.VerticalFlip(p=s.p),
    of.RandomRotate90: lambda s: A.RandomRotate90(p=s.p),
    of.Stretch: _stretch,
    of.Affine: _affine,
    of.Policy: lambda s: Policy(s.policy, p=s.p),
    of.Equalize: lambda s: Equalize(s.how, s.clip_limit, p=s.p),
    of.RandomBrightnessContrast: lambda s: A.RandomBrightnessContrast(
        s.brightness, s.contrast, p=s.p
    ),
    of.RandomGamma: lambda s: A.RandomGamma((100 * s.gamma[0], 100 * s.gamma[1]), p=s.p),
    of.ColorJitter: _color,
    of.Blur: _blur,
    of.Sharpen: lambda s: A.UnsharpMask(s.kernel, s.sigma, s.alpha, threshold=0, p=s.p),
    of.GaussNoise: lambda s: A.GaussNoise(s.std, per_channel=s.per_channel, p=s.p),
    of.Resample: lambda s: Resample(s.scale, p=s.p),
    of.Jpeg: lambda s: Jpeg(s.quality, p=s.p),
    of.Erase: lambda s: A.CoarseDropout(s.holes, s.sides, s.sides, fill=0, p=s.p),
    of.Own: lambda s: Own(s.made, p=s.p),
}
