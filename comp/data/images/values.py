"""From the values of an image file to 0..255: which value is black, and which is white."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from comp.data.images.raw import RawImage, Window
from comp.errors import DataError

Bounds = tuple[float, float]
"""(the value that becomes 0, the value that becomes 255)."""

UINT16, INTEGER, FLOAT = "uint16", "integer", "float"
WORDS = {UINT16: "16-bit", INTEGER: "integer", FLOAT: "float"}
_FULL_16_BIT = (0.0, 65535.0)
_UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class ValueRange:
    """The values that become 0 and 255, for each type of values with more than 8 bits.

    `bounds` has the keys "uint16", "integer" (other integers) and "float". A range that is `fixed`
    comes from `image.range`, and is used instead of the window of a DICOM file. `sentence` tells
    the user what was found and chosen.
    """

    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    fixed: bool = False
    sentence: str = field(default="", compare=False)

    def key(self) -> dict[str, Any]:
        """What decides the result of decoding, as JSON; empty if all images have 8 bits."""
        bounds = {kind: list(bounds) for kind, bounds in sorted(self.bounds.items())}
        return {**bounds, "fixed": self.fixed} if bounds else {}

    def record(self) -> dict[str, Any]:
        """The range as JSON, for records."""
        bounds = {kind: list(bounds) for kind, bounds in sorted(self.bounds.items())}
        return {"bounds": bounds, "fixed": self.fixed, "sentence": self.sentence}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ValueRange:
        """The range of `record()`."""
        bounds = {kind: (float(b[0]), float(b[1])) for kind, b in record["bounds"].items()}
        return cls(bounds, bool(record["fixed"]), str(record["sentence"]))


def kind_of(values: np.ndarray) -> str | None:
    """The type of values in a `ValueRange`; None for 8 bits."""
    if values.dtype == np.uint8:
        return None
    if values.dtype == np.uint16:
        return UINT16
    return FLOAT if values.dtype.kind == "f" else INTEGER


def own_range(values: np.ndarray) -> ValueRange | None:
    """The range of one image alone; only to look at it."""
    kind, finite = kind_of(values), values[np.isfinite(values)]
    if kind is None or not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    return ValueRange({kind: (low, high if high > low else low + 1)})


def to_8_bits(raw: RawImage, value_range: ValueRange | None, path: Path) -> np.ndarray:
    """The values of an image as uint8, 0 black to 255 white; values outside the range are clipped.

    Without a range, 16-bit images use 0..65535, floats must be in 0..1, and other integers in
    0..255: nothing is clipped without a known range.

    Raises:
        DataError: the range is unknown, or values are not finite.
    """
    values, kind = raw.values, kind_of(raw.values)
    check_finite(values, path)
    if raw.window and not (value_range and value_range.fixed):
        scaled = _windowed(values, raw.window)
    elif kind is None:
        scaled = values
    elif raw.alpha:
        bounds = _bounds(kind, value_range, values[..., :3], path)
        opacity = _scaled(values[..., 3:], _opaque(kind))
        scaled = np.concatenate([_scaled(values[..., :3], bounds), opacity], axis=-1)
    else:
        scaled = _scaled(values, _bounds(kind, value_range, values, path))
    return 255 - scaled if raw.negative else scaled


def check_finite(values: np.ndarray, path: Path) -> None:
    """Check that an image does not contain NaN or infinity.

    Raises:
        DataError: it does.
    """
    if kind_of(values) == FLOAT and not np.isfinite(values).all():
        raise DataError(
            f"{path} contains values that are not finite (NaN or infinity): replace them, or "
            "remove the image"
        )


def _opaque(kind: str) -> Bounds:
    return _FULL_16_BIT if kind == UINT16 else _UNIT


def _bounds(kind: str, value_range: ValueRange | None, values: np.ndarray, path: Path) -> Bounds:
    """The range of an image.

    Raises:
        DataError: it is unknown, and the values show that the default would be wrong.
    """
    if value_range and kind in value_range.bounds:
        return value_range.bounds[kind]
    default = {UINT16: _FULL_16_BIT, INTEGER: (0.0, 255.0), FLOAT: _UNIT}[kind]
    if value_range and value_range.bounds:
        known = " and ".join(WORDS[name] for name in value_range.bounds)
        raise DataError(
            f"{path} has {WORDS[kind]} values, and the images of the run have {known} values: "
            "save it in the same format"
        )
    low, high = float(values.min()), float(values.max())
    if low < default[0] or high > default[1]:
        raise DataError(
            f"{path} has {WORDS[kind]} values from {low:,.6g} to {high:,.6g}, and the range of the "
            f"data is unknown: save it with 8 bits, or with values from 0 to {default[1]:g}"
        )
    return default


def _scaled(values: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Map a range to 0..255. A range of whole bits of integers keeps the upper 8 bits."""
    low, high = bounds
    bits = int(high + 1).bit_length() - 1
    if values.dtype.kind in "ui" and low == 0 and bits >= 8 and high == 2**bits - 1:
        clipped = values if values.dtype == np.uint16 and bits == 16 else values.clip(0, int(high))
        return (clipped >> (bits - 8)).astype(np.uint8)
    small = values.dtype.itemsize < 4 or values.dtype == np.float32
    unit: npt.NDArray[np.float32 | np.float64]
    unit = values.astype(np.float32 if small else np.float64)
    unit -= low
    unit /= high - low
    np.clip(unit, 0, 1, out=unit)
    unit *= 255
    return np.asarray(unit.round(out=unit), dtype=np.uint8)


def _windowed(values: np.ndarray, window: Window) -> np.ndarray:
    """Apply the window of a DICOM file (DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3)."""
    x, center, width = values.astype(np.float64), window.center, window.width
    if window.function == "SIGMOID":
        unit = 1 / (1 + np.exp(-4 * (x - center) / width))
    elif window.function == "LINEAR_EXACT":
        unit = (x - center) / width + 0.5
    else:
        unit = (x - (center - 0.5)) / max(width - 1, 1e-6) + 0.5
    return np.asarray((unit.clip(0, 1) * 255).round(), dtype=np.uint8)
