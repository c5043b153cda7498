"""The steps of comp's own augmentation, without the library that takes them.

An adapter such as `comp.data.albumentations_adapter` makes a pipeline of a list of steps. A range
is (low, high), of which each draw takes a uniform number; `p` is the share of draws with the step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from comp.contract.pipeline import Change, ChangeKind

Range = tuple[float, float]
Border = Literal["reflect", "black"]
"""What comes into view: a reflection of the image, which does not repeat its last pixel, or 0."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step; `kind` is what it does, `name` what it is called in records."""

    kind: ClassVar[ChangeKind] = "values"
    name: ClassVar[str] = ""
    p: float = 1.0

    def change(self) -> Change:
        """The step in records."""
        return Change(self.name or type(self).__name__, self.kind)


@dataclass(frozen=True, kw_only=True)
class CenterCrop(Step):
    """The middle."""

    kind: ClassVar[ChangeKind] = "middle"
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class RandomCrop(Step):
    """A random part; smaller images are padded."""

    kind: ClassVar[ChangeKind] = "moves"
    height: int
    width: int
    border: Border = "black"


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop(Step):
    """A random part of a range of areas and of aspect ratios, resized."""

    kind: ClassVar[ChangeKind] = "moves"
    height: int
    width: int
    area: Range
    ratio: Range


@dataclass(frozen=True, kw_only=True)
class HorizontalFlip(Step):
    """Left and right exchanged."""

    kind: ClassVar[ChangeKind] = "hflip"
    p: float = 0.5


@dataclass(frozen=True, kw_only=True)
class VerticalFlip(Step):
    """Top and bottom exchanged."""

    kind: ClassVar[ChangeKind] = "vflip"
    p: float = 0.5


@dataclass(frozen=True, kw_only=True)
class RandomRotate90(Step):
    """A rotation by 0, 90, 180 or 270 degrees."""

    kind: ClassVar[ChangeKind] = "turns"


@dataclass(frozen=True, kw_only=True)
class Stretch(Step):
    """Another width and the same height."""

    kind: ClassVar[ChangeKind] = "moves"
    name: ClassVar[str] = "Affine"
    width: Range
    border: Border = "reflect"


@dataclass(frozen=True, kw_only=True)
class Affine(Step):
    """A change of size, a rotation in degrees, counterclockwise, about the middle, and a shift by
    fractions of the sides."""

    kind: ClassVar[ChangeKind] = "moves"
    scale: Range
    shift: Range
    rotate: Range
    border: Border = "reflect"

    def change(self) -> Change:
        """The step in records."""
        whole = self.rotate[1] - self.rotate[0] >= 360
        return Change("Affine", "any angle" if whole else "moves")


@dataclass(frozen=True, kw_only=True)
class Policy(Step):
    """A policy of torchvision for uint8 images of 1 or 3 channels: "trivial" or "rand"."""

    kind: ClassVar[ChangeKind] = "moves"
    policy: str


@dataclass(frozen=True, kw_only=True)
class Equalize(Step):
    """Equalisation as `comp.data.images.equalize` does it: "histogram" or "clahe"."""

    how: str
    clip_limit: Range = (1.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class RandomBrightnessContrast(Step):
    """Values times 1 - `contrast` to 1 + `contrast`, plus up to `brightness` of the range."""

    brightness: float
    contrast: float


@dataclass(frozen=True, kw_only=True)
class RandomGamma(Step):
    """Values to the power of gamma."""

    gamma: Range


@dataclass(frozen=True, kw_only=True)
class ColorJitter(Step):
    """The difference to grey times a saturation, and a turn of the hue, in random order."""

    saturation: Range
    hue: Range


@dataclass(frozen=True, kw_only=True)
class Blur(Step):
    """A Gaussian blur of a range of sigmas in pixels or, if `downscale` is a range, with equal
    probability a low resolution."""

    sigma: Range
    downscale: Range | None


@dataclass(frozen=True, kw_only=True)
class Sharpen(Step):
    """An unsharp mask with an odd kernel."""

    kernel: tuple[int, int]
    sigma: Range
    alpha: Range


@dataclass(frozen=True, kw_only=True)
class GaussNoise(Step):
    """Normal noise of a range of deviations, as fractions of the largest value."""

    std: Range
    per_channel: bool = False


@dataclass(frozen=True, kw_only=True)
class Resample(Step):
    """Made smaller and larger again, each with a random interpolation."""

    scale: Range = (0.25, 0.9)


@dataclass(frozen=True, kw_only=True)
class Jpeg(Step):
    """Compressed as a JPEG."""

    quality: tuple[int, int] = (30, 90)


@dataclass(frozen=True, kw_only=True)
class Erase(Step):
    """A range of numbers of black rectangles, with sides that are fractions of those of the
    image."""

    holes: tuple[int, int]
    sides: Range


class ImageChange(Protocol):
    """A random change of an image that a competition makes itself."""

    def draw(self, generator: random.Random) -> Any:
        """Draw the random numbers."""
        ...

    def apply(self, image: np.ndarray, drawn: Any) -> np.ndarray:
        """Change an image (H, W, C) by them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Own(Step):
    """A change that a competition makes itself."""

    made: ImageChange

    def change(self) -> Change:
        """The step in records."""
        return Change(type(self.made).__name__, self.kind)
