"""The image of an id that is not the name of one, where it is certain.

An image is taken only if it can be no other: the spelling of the suffix or of the letters differs
(.JPG and .jpg, Unicode), the id names the folder too, the images are one folder deeper, a number
has lost or got zeros.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from comp.data.listing import SUFFIXES
from comp.errors import DataError
from comp.tasks.image_ids import ImageIndex, is_number

FAMILIES = {".jpeg": ".jpg", ".jfif": ".jpg", ".tiff": ".tif", ".dicom": ".dcm"}
"""Suffixes of one format, and the usual one."""


class AlikeNames:
    """Finds the images of an index by names that differ a little from theirs."""

    def __init__(self, index: ImageIndex) -> None:
        self.index = index

    def find(self, ids: Iterable[str], all_numbers: bool) -> dict[str, Path]:
        """The image of each of the ids that have no image of their name, where it is certain.

        Args:
            all_numbers: whether all ids of the table are digits.
        """
        found: dict[str, Path] = {}
        for name in ids:
            indices = set(self._alike(name)) or set(self._by_number(name) if all_numbers else ())
            if len(indices) == 1:
                found[name] = self.index.paths[indices.pop()]
            elif not indices:
                path = self._without_suffix(name)
                found |= {name: path} if path else {}
        return found

    def _alike(self, name: str) -> list[int]:
        stem, family = split_suffix(name)
        indices = self._spelled(stem, family)
        for number, folder in enumerate(self.index.folders):
            rest = _below(stem, folder)
            if rest and not indices:
                inside = self._spelled(rest, family)
                indices += [index for index in inside if self.index.folder_of[index] == number]
        return indices

    def _spelled(self, stem: str, family: str) -> list[int]:
        candidates = self._by_stem.get(stem, []) or self._by_inner_stem.get(stem, [])
        return [i for i in candidates if family in ("", split_suffix(self.index.names[i])[1])]

    def _by_number(self, name: str) -> list[int]:
        stem, family = split_suffix(name)
        candidates = self._numbers.get(int(stem), []) if is_number(stem) else []
        return [i for i in candidates if family in ("", split_suffix(self.index.names[i])[1])]

    def _without_suffix(self, name: str) -> Path | None:
        """A file with the name of an id and no suffix, if it is an image by its content."""
        from comp.data.images.formats import is_picture

        for folder in self.index.folders:
            path = folder / name
            if not path.suffix and os.path.isfile(path):  # noqa: PTH113 - Path raises for long names
                try:
                    return path if is_picture(path) else None
                except DataError:
                    return None
        return None

    @cached_property
    def _by_stem(self) -> dict[str, list[int]]:
        return _grouped(split_suffix(name)[0] for name in self.index.names)

    @cached_property
    def _by_inner_stem(self) -> dict[str, list[int]]:
        """Without the subfolder that all images of a folder share, such as train/train/."""
        inner: list[str | None] = [None] * len(self.index.names)
        for number in range(len(self.index.folders)):
            indices = [i for i, folder in enumerate(self.index.folder_of) if folder == number]
            shared = _shared_depth([self.index.names[i].split("/")[:-1] for i in indices])
            for i in indices if shared else ():
                inner[i] = split_suffix(self.index.names[i].split("/", shared)[-1])[0]
        return _grouped(inner)

    @cached_property
    def _numbers(self) -> dict[int, list[int]]:
        """Number -> the images whose name it is; empty unless all names are numbers."""
        stems = [split_suffix(name)[0].rpartition("/")[2] for name in self.index.names]
        if not all(map(is_number, stems)):
            return {}
        found: dict[int, list[int]] = {}
        for index, stem in enumerate(stems):
            found.setdefault(int(stem), []).append(index)
        return found


def split_suffix(name: str) -> tuple[str, str]:
    """A name in one spelling, without its suffix, and the usual suffix of its format; "" if it has
    no suffix of an image."""
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).removeprefix("./")
    stem, dot, end = text.rpartition(".")
    suffix = f".{end.lower()}"
    if not dot or suffix not in SUFFIXES:
        return text, ""
    return stem, FAMILIES.get(suffix, suffix)


def _grouped(keys: Iterable[str | None]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        if key is not None:
            found.setdefault(key, []).append(index)
    return found


def _shared_depth(folders: Sequence[list[str]]) -> int:
    """How many folders all paths have in common."""
    pairs = enumerate(zip(min(folders, default=[]), max(folders, default=[]), strict=False))
    shortest = min(map(len, folders), default=0)
    return next((depth for depth, (low, high) in pairs if low != high), shortest)


def _below(name: str, folder: Path) -> str:
    """The part of a name below a folder, if it begins with the end of the folder's path; else "".
    "train/a" and "data/train/a" in the folder data/train are "a"."""
    parts, ends = name.strip("/").split("/"), folder.parts
    for count in range(len(parts) - 1, 0, -1):
        if tuple(parts[:count]) == ends[-count:]:
            return "/".join(parts[count:])
    return ""
