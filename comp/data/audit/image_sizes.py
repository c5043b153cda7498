"""The sizes of images: those of targets, those of all images, and that of the network's input."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.inspection import Inspection
from comp.errors import CompError

MEASURED = 32
"""Images whose header shows their size."""
ENLARGED = 4.0
"""Pixels of the network's input, per pixel of an image, from which on it is a note."""
USUAL = 224
"""Side of the input of most backbones."""
LARGEST = 512
"""Side of the input of the largest backbones."""
MUCH_ENLARGED = 16.0
"""The same, from which on it is a warning."""


def size_mismatches(
    samples: Sequence[Sample], inspections: Mapping[Path, Inspection]
) -> list[Finding]:
    """Images that differ in size from their target image."""
    names = []
    for sample in samples:
        if isinstance(sample.target, Path) and sample.image:
            image, target = inspections[sample.image].size, inspections[sample.target].size
            if image and target and image != target:
                names.append(f"{sample.id} ({image[1]} x {image[0]} and {target[1]} x {target[0]})")
    return findings_of(
        "size-mismatch",
        "error",
        names,
        "images that differ in size from their target image",
        "make both the same size, or remove them",
    )


def image_summary(inspections: Sequence[Inspection]) -> list[Finding]:
    """The range of the image sizes, and the modes of the images."""
    modes = Counter(inspection.mode for inspection in inspections if inspection.mode)
    sizes = [inspection.size for inspection in inspections if inspection.size]
    if not sizes:
        return []
    heights, widths = zip(*sizes, strict=True)
    return [
        Finding(
            kind="images",
            severity="note",
            count=len(sizes),
            names=(),
            words=f"images {_range(widths)} pixels wide and {_range(heights)} high, "
            "in Pillow's modes "
            + ", ".join(f"{mode} {count:,}" for mode, count in modes.most_common()),
        )
    ]


def _range(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def check_input_size(
    competition: Competition, config: RunConfig, samples: Sequence[Sample], *, quick: bool
) -> list[Finding]:
    """Images that are much smaller than the network's input, if `image.size` is unset: each step
    costs more time for pixels that show nothing new. Only the headers of a few images are read.

    Args:
        quick: take the usual input of a backbone, because timm, which knows it, starts slowly.
    """
    if config.image.size is not None or competition.image_spec is None:
        return []
    sizes = _measure(samples)
    rows, columns = (
        (round(median(sides)) for sides in zip(*sizes, strict=True)) if sizes else (0, 0)
    )
    if not sizes or ENLARGED * rows * columns > LARGEST**2:
        return []
    try:
        size = USUAL if quick else competition.image_spec(config).size
    except CompError:  # the check of the configuration reports it
        return []
    height, width = height_and_width(size)
    times = height * width / (rows * columns)
    if times < ENLARGED:
        return []
    first = max(64, 32 * math.ceil(2 * max(rows, columns) / 32))
    usual = "usually " * quick
    return [
        Finding(
            kind="input-size",
            severity="warning" if times >= MUCH_ENLARGED else "note",
            count=len(sizes),
            names=(),
            words=f"images are about {columns} x {rows} pixels, but image.size is unset, so the "
            f"input of {config.backbone} is {usual}{width} x {height}: a step costs {times:.0f} "
            "times as much as at the size of the images",
            advice=f"try a smaller input first, such as --set image.size={first}, and compare the "
            "score with that of a larger one",
        )
    ]


def _measure(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Height and width of a few images, evenly chosen; those that Pillow cannot open are left
    out."""
    from PIL import Image

    paths = [sample.image for sample in samples if sample.image]
    sizes = []
    for path in paths[:: max(1, len(paths) // MEASURED)][:MEASURED]:
        try:
            with Image.open(path) as image:
                sizes.append((image.height, image.width))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    return sizes
