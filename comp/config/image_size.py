"""The size of images: one number for a square, or height and width.

Height comes before width everywhere, as in arrays. OpenCV and Pillow alone take (width, height).
"""

from __future__ import annotations

from numbers import Integral

from comp.errors import CompetitionError

ImageSize = int | tuple[int, int]
"""The side of a square, or (height, width), which differ; in pixels."""


def parse_image_size(value: object, least: int = 1) -> ImageSize:
    """The size of a number, or of two in a list or tuple: [224, 224] is 224.

    Args:
        least: pixels that each side must have.

    Raises:
        ValueError: it is not such a size.
    """
    sides = value if isinstance(value, list | tuple) and len(value) == 2 else (value, value)
    pixels = [int(n) for n in sides if not isinstance(n, bool) and isinstance(n, Integral)]
    if len(pixels) != 2 or min(pixels) < least:
        raise ValueError(
            "write the side of a square such as 224, or [height, width] such as [256, 512], of at "
            f"least {least} pixel{'s' * (least > 1)}"
        )
    height, width = pixels
    return height if height == width else (height, width)


def spec_size(value: object) -> ImageSize:
    """The size that a plugin gives to an image spec.

    Raises:
        CompetitionError: it is not a size.
    """
    try:
        return parse_image_size(value)
    except ValueError as error:
        raise CompetitionError(f"the plugin has an image spec of size {value!r}: {error}") from None


def height_and_width(size: ImageSize) -> tuple[int, int]:
    """Height and width in pixels."""
    return (size, size) if isinstance(size, int) else size


def is_square(size: ImageSize) -> bool:
    """Whether height and width are equal."""
    height, width = height_and_width(size)
    return height == width


def setting_text(size: ImageSize) -> str:
    """The size as the configuration writes it: 224, or [256, 512]."""
    return str(size) if isinstance(size, int) else str(list(size))


def size_text(size: ImageSize) -> str:
    """The size in a sentence: 256 x 512, the height first."""
    return " x ".join(map(str, height_and_width(size)))
