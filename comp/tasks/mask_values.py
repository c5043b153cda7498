"""The values of mask images, and the targets that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np

FULL = (1, 255, 65535)
"""Values of the pixels inside a mask; those outside are 0."""
_SHOWN = 4


def encode_masks(
    mask: np.ndarray, classes: int, exclusive: bool, threshold: float | None
) -> np.ndarray:
    """A mask image as float32 (H, W, classes) of 0 and 1.

    Args:
        mask: (H, W) or (H, W, C). One class: 0 outside, and 1, 255 or 65535 inside; equal channels
            count as one. Several independent classes: one such channel per class. Exclusive
            classes: the index of the class of each pixel.
        threshold: pixels above it are inside; for masks with other values, such as JPEG files.

    Raises:
        DataError: the mask has another shape or other values.
    """
    import numpy as np

    planes = _planes(np.asarray(mask), 1 if exclusive else classes)
    problem = _problem(planes, classes, exclusive, threshold)
    if problem:
        raise DataError(f"a mask {problem}")
    if exclusive:
        return np.asarray(planes == np.arange(classes), dtype=np.float32)
    return np.asarray(planes > (0 if threshold is None else threshold), dtype=np.float32)


def mask_problem(mask: np.ndarray, classes: int, exclusive: bool, threshold: float | None) -> str:
    """Why `encode_masks` refuses a mask, "" if it accepts it."""
    import numpy as np

    try:
        planes = _planes(np.asarray(mask), 1 if exclusive else classes)
    except DataError as error:
        return str(error).removeprefix("a mask ")
    return _problem(planes, classes, exclusive, threshold)


def _planes(mask: np.ndarray, count: int) -> np.ndarray:
    """The mask as (H, W, count).

    Raises:
        DataError: the mask does not have `count` channels.
    """
    import numpy as np

    planes = mask[..., None] if mask.ndim == 2 else mask
    if planes.ndim == 3 and count == 1 and (planes == planes[..., :1]).all():
        planes = planes[..., :1]
    if (
        planes.ndim == 3 and planes.shape[2] == 1 and not planes.any()
    ):  # readers join equal channels
        planes = np.repeat(planes, count, axis=2)
    if planes.ndim != 3 or planes.shape[2] != count:
        colours = ", which differ" if count == 1 and planes.ndim == 3 else ""
        channels = planes.shape[2] if planes.ndim == 3 else f"the shape {mask.shape}, not"
        raise DataError(
            f"a mask has {channels} channels{colours}, but needs {count}: "
            + ("save it in grey" if count == 1 else "one per class, or use exclusive classes")
        )
    return planes


def _problem(planes: np.ndarray, classes: int, exclusive: bool, threshold: float | None) -> str:
    import numpy as np

    if threshold is not None and not exclusive:
        if not np.isfinite(planes).all():
            return "has values that are not numbers: correct it"
        if planes.any() and 0 < planes.max() <= threshold:
            return (
                f"has the values {_values(planes)}, and none above threshold={threshold:g}, so "
                "that it is empty: lower the threshold, or leave it out for masks of 0 and 1"
            )
        return ""
    if exclusive:
        invalid = (planes < 0) | (planes >= classes) | (planes != np.floor(planes))
        if not invalid.any():
            return ""
        return (
            f"has the values {_values(planes)}, but {classes} exclusive classes have the indices "
            f"0 to {classes - 1}: correct the classes or the masks"
        )
    inside = planes[planes != 0]
    if not inside.size or (inside[0] in FULL and (inside == inside[0]).all()):
        return ""
    if inside.size and classes > 1:
        return (
            f"has the values {_values(planes)}, but the channel of a class has 0 and 1, or 0 and "
            "255: correct the masks"
        )
    return (
        f"has the values {_values(planes)}, but a mask of one class has 0 and 1, or 0 and 255: "
        "for several classes name them all, for masks saved as JPEG set threshold=127"
    )


def _values(planes: np.ndarray) -> str:
    import numpy as np

    values = np.unique(planes)
    shown = ", ".join(f"{value:g}" for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown}, ... {values[-1]:g} ({len(values)} values)"
