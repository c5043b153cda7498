"""Read DICOM images with pydicom, which is an extra: `pip install comp[dicom]`."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from comp.data.images.formats import check_pixel_count, unreadable
from comp.data.images.raw import RawImage, Window
from comp.errors import DataError


def read_dicom(path: Path, data: bytes) -> RawImage:
    """The pixels of a DICOM file in the unit of its rescale slope and intercept.

    MONOCHROME1 is a negative. The window is the first of the file, if it has one.

    Raises:
        DataError: pydicom is missing, the file cannot be decoded, or it contains several frames.
    """
    try:
        import pydicom
        from pydicom.pixels.utils import pixel_array
    except ImportError:
        raise DataError(
            f"{path} is a DICOM file, and pydicom is not installed: pip install comp[dicom]"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pydicom.dcmread(io.BytesIO(data), force=True)
            rows, columns = int(image.Rows), int(image.Columns)
            colours = str(image.PhotometricInterpretation)
            frames = int(image.get("NumberOfFrames", 1) or 1)
    except MemoryError:
        raise
    except Exception:  # pydicom raises exceptions of many types for damaged files
        raise unreadable(path, data) from None
    check_pixel_count(path, columns, rows)
    if frames > 1 or colours == "PALETTE COLOR":
        found = f"{frames} frames" if frames > 1 else "a palette"
        raise DataError(f"{path} is a DICOM file with {found}: save each frame as a PNG or .npy")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.array(pixel_array(image))
            return _rescaled(image, values, colours)
    except MemoryError:
        raise
    except Exception as error:  # as above
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"cannot decode the DICOM file {path} ({reason}): replace it") from None


def _rescaled(image: Any, values: np.ndarray, colours: str) -> RawImage:
    """Apply the rescale of a file; whole numbers stay integers."""
    if values.ndim == 3:
        return RawImage(values)
    slope = float(image.get("RescaleSlope", 1) or 1)
    intercept = float(image.get("RescaleIntercept", 0) or 0)
    if (slope, intercept) != (1.0, 0.0):
        whole = slope.is_integer() and intercept.is_integer()
        scaled = values * slope + intercept
        values = scaled.astype(np.int32) if whole else scaled.astype(np.float32)
    return RawImage(values, negative=colours == "MONOCHROME1", window=_window(image))


def _window(image: Any) -> Window | None:
    """The first window of a file; None if it has none."""
    center, width = image.get("WindowCenter"), image.get("WindowWidth")
    if center is None or width is None:
        return None
    first = [value[0] if hasattr(value, "__len__") else value for value in (center, width)]
    function = str(image.get("VOILUTFunction") or "LINEAR")
    if float(first[1]) < 1:
        return None
    return Window(float(first[0]), float(first[1]), function)
