"""A file that somebody drops on the page: what it is, or why it is not predicted."""

from __future__ import annotations

from pathlib import Path

from comp.contract.sample import Sample
from comp.data.images.formats import HEAD_BYTES, format_of
from comp.errors import DataError

MAX_BYTES = 64_000_000
"""A larger file is refused."""


def uploaded_sample(path: Path) -> Sample:
    """The sample of a dropped file.

    Raises:
        DataError: it is no image, is too large, or contains several images.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{path.name} has {size / 1e6:,.0f} MB and {MAX_BYTES / 1e6:.0f} MB are the limit: "
            "predict it with 'comp predict --data FILE'"
        )
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    kind = format_of(path, head)
    if kind is None:
        raise DataError(f"{path.name} is not an image: drop a PNG, JPEG, WebP, TIFF or DICOM file")
    if (frames := _frames(path)) > 1:
        raise DataError(f"{path.name} contains {frames} images: save the one to predict as a PNG")
    return Sample(id=path.stem, image=path)


def _frames(path: Path) -> int:
    """The number of images in a file that Pillow reads; 1 of others."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # the reader says what is wrong with it
        return 1
