"""Two folders of images that belong together: images and masks, or images and what they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from comp.discovery.evidence import TEST_WORDS, VALIDATION
from comp.discovery.inventory import Inventory
from comp.discovery.sizes import facts_of, spread
from comp.discovery.tables import words_of
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np

READ = 60
"""Masks whose pixels are read."""
MOST_VALUES = 64
"""Different values of the pixels of masks."""
SUFFIXES = ("_mask", "-mask", "_Mask", "_segmentation", "_seg", "_label", "_gt", "_manual1")
"""Ends of the names of masks behind the names of their images."""
TARGET_WORDS = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "gt", "segmentation",
     "segmentations", "groundtruth", "truth", "target", "targets", "cleaned", "clean", "hr",
     "sharp", "output", "outputs", "colour", "color", "restored", "denoised", "after", "high",
     "labelled", "labeled", "ground", "trimap", "trimaps"}
)  # fmt: skip
_ENOUGH = 0.9


@dataclass(frozen=True)
class Pair:
    """Two folders whose images have the same names; behind those of the second is `suffix`."""

    images: str
    targets: str
    count: int
    suffix: str = ""
    alone: tuple[str, ...] = ()
    """Names of images without a target, and of targets without an image."""


@dataclass(frozen=True)
class TargetFacts:
    """What the pixels of some target images say."""

    values: tuple[int, ...]
    """The different values of grey target images, in order; () if they are too many or colours."""
    coloured: bool
    sizes: tuple[tuple[Path, tuple[int, int], tuple[int, int]], ...]
    """Targets of another size than their image: (target, size of the image, size of the target),
    each (height, width)."""
    readable: int
    noisy: bool = False
    """Whether the values are 0 and 255 but for those that lossy compression makes."""


def find_pair(inventory: Inventory) -> Pair | None:
    """The largest pair of folders outside the test and validation sets; None if there is none."""
    folders = [f for f in inventory.images if not _is_other(f)]
    stems = {f: {PurePosixPath(name).stem for name in inventory.images[f]} for f in folders}
    pairs = []
    for second in folders:
        for first in folders:
            for suffix in ("", *SUFFIXES):
                if first == second and not suffix:
                    continue
                pair = _pair(first, second, suffix, stems)
                if pair:
                    pairs.append(pair)
    best = max(pairs, key=_rank, default=None)
    return _of_parent(best, pairs) if best else None


def _of_parent(best: Pair, pairs: Sequence[Pair]) -> Pair:
    """The folder around the folders that have images and masks each, if there are several."""
    parent = PurePosixPath(best.images).parent.as_posix()
    alike = [
        pair
        for pair in pairs
        if pair.images == pair.targets
        and pair.suffix == best.suffix
        and PurePosixPath(pair.images).parent.as_posix() == parent
    ]
    if best.images != best.targets or len(alike) < 2:
        return best
    alone = [name for pair in alike for name in pair.alone]
    count = sum(pair.count for pair in alike)
    return Pair(parent, parent, count, best.suffix, tuple(alone[:5]))


def _is_other(folder: str) -> bool:
    return bool(words_of(folder.replace("/", " ")) & (TEST_WORDS | VALIDATION))


def _pair(first: str, second: str, suffix: str, stems: dict[str, set[str]]) -> Pair | None:
    targets = {s.removesuffix(suffix) for s in stems[second] if s.endswith(suffix)}
    images = stems[first]
    if suffix:
        images = {s for s in images if not s.endswith(suffix)}
    both = images & targets
    if len(both) < 2 or len(both) < _ENOUGH * min(len(images), len(targets)):
        return None
    if not suffix and not _says(second) > _says(first):
        return None
    if len(both) < 0.5 * max(len(images), len(targets)):
        return None
    alone = sorted((images | targets) - both)
    return Pair(first, second, len(both), suffix, tuple(alone[:5]))


def _says(folder: str) -> int:
    """How clearly the name of a folder says that it has targets."""
    words = words_of(PurePosixPath(folder).name)
    return len(words & TARGET_WORDS)


def _rank(pair: Pair) -> tuple[int, int, int, str]:
    return pair.count, _says(pair.targets), -len(pair.suffix), pair.targets


def files_of(inventory: Inventory, pair: Pair) -> list[tuple[Path, Path]]:
    """The files of a pair: (image, target)."""
    second = {
        _stem(name).removesuffix(pair.suffix): name
        for name in inventory.paths(pair.targets)
        if _stem(name).endswith(pair.suffix)
    }
    root = inventory.root
    return [
        (root / pair.images / name, root / pair.targets / second[stem])
        for name in inventory.paths(pair.images)
        if (stem := _stem(name)) in second
        and not (pair.images == pair.targets and stem.endswith(pair.suffix))
    ]


def _stem(name: str) -> str:
    """A path without its suffix."""
    return PurePosixPath(name).with_suffix("").as_posix()


def target_facts(files: Sequence[tuple[Path, Path]]) -> TargetFacts:
    """Read some target images, and compare their sizes with those of the images."""
    import numpy as np

    from comp.data.images.masks import read_mask
    from comp.data.images.pairs import image_size

    counts: Counter[int] = Counter()
    different = []
    coloured, readable, many = False, 0, False
    for image, target in _spread_pairs(files):
        try:
            pixels = read_mask(target)
        except DataError:
            continue
        readable += 1
        size = image_size(image)
        if size and size != pixels.shape[:2]:
            different.append((target, size, (pixels.shape[0], pixels.shape[1])))
        coloured |= pixels.shape[2] > 1
        values, numbers = np.unique(pixels, return_counts=True)
        many |= len(values) > MOST_VALUES
        counts.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    few = () if many or coloured else tuple(sorted(counts))
    return TargetFacts(few, coloured, tuple(different), readable, _noisy(counts))


def _noisy(counts: Counter[int]) -> bool:
    """Whether nearly all pixels are near 0 or 255, and some between."""
    total = counts.total()
    near = sum(count for value, count in counts.items() if value <= 10 or value >= 245)
    both = counts[0] and any(value >= 245 for value in counts)
    return bool(total and both and 0.97 * total <= near < total)


def _spread_pairs(files: Sequence[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    targets = dict(files)
    return [(path, targets[path]) for path in spread(list(targets), READ)]


def grey(files: Sequence[tuple[Path, Path]]) -> bool:
    """Whether images and targets are grey by their headers."""
    return facts_of([path for pair in files for path in pair]).grey


def equal_channels(files: Sequence[tuple[Path, Path]]) -> bool:
    """Whether images and targets saved in colour are grey: all channels are equal."""
    from comp.data.images.decode import read_rgb

    for pair in files[:5]:
        for path in pair:
            pixels: np.ndarray = read_rgb(path)
            if (pixels != pixels[..., :1]).any():
                return False
    return True
