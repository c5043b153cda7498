"""Sizes and colours of images, from the headers of some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comp.discovery.inventory import Inventory

HEADERS = 300
"""Images whose headers are read."""
SMALL = 112
"""Shorter side in pixels up to which images are not enlarged to the input of a backbone."""


@dataclass(frozen=True)
class ImageFacts:
    """What the headers of some images say."""

    sizes: Counter[tuple[int, int]]
    """(height, width) -> how many images have it."""
    modes: Counter[str]
    """Mode of Pillow, such as L or RGB -> how many images have it."""

    @property
    def one_size(self) -> tuple[int, int] | None:
        """The size of all images, None if they differ."""
        return next(iter(self.sizes)) if len(self.sizes) == 1 else None

    @property
    def small_side(self) -> int | None:
        """A side for the input of small images, in pixels; None if they are not small."""
        if not self.sizes:
            return None
        size, _ = self.sizes.most_common(1)[0]
        longest = max(max(pair) for pair in self.sizes)
        if longest > SMALL:
            return None
        return 64 if max(size) <= 28 else 96 if max(size) <= 80 else 128

    @property
    def grey(self) -> bool:
        """Whether all images are grey."""
        return bool(self.modes) and set(self.modes) <= {"L", "1", "I", "I;16"}


def image_facts(inventory: Inventory, folders: Sequence[str]) -> ImageFacts:
    """Sizes and modes of up to 300 images of some folders, spread over all of them."""
    paths = [
        inventory.root / folder / name
        for folder in folders
        for name in inventory.paths(folder)
    ]  # fmt: skip
    return facts_of(paths)


def facts_of(paths: Sequence[Path]) -> ImageFacts:
    """Sizes and modes of up to 300 of these images; those that cannot be read are left out."""
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    for path in spread(paths, HEADERS):
        try:
            with Image.open(path) as image:
                sizes[image.height, image.width] += 1
                modes[image.mode] += 1
        except Exception:  # of other formats; a run reports images that it cannot read
            continue
    return ImageFacts(sizes, modes)


def spread(paths: Sequence[Path], count: int) -> Sequence[Path]:
    """At most `count` of the paths, evenly spread."""
    step = max(1, -(-len(paths) // count))
    return paths[::step]
