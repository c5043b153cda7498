"""The files of a folder of data, by name: images by folder, tables, and everything else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from comp.data.listing import SUFFIXES
from comp.errors import DataError

TABLES = frozenset({".csv", ".tsv"})


@dataclass(frozen=True)
class Inventory:
    """The visible files below `root`; paths are relative to it, with slashes."""

    root: Path
    images: Mapping[str, tuple[str, ...]]
    """Folder -> the names of the images that are directly in it, sorted; "." is the root."""
    tables: tuple[str, ...]
    """Tables, those of the highest folders first."""
    others: Counter[str]
    """Suffix in lower case -> how many other files have it."""
    other_folders: Mapping[str, Counter[str]]
    """Folder -> the suffixes of the other files in it."""

    @cached_property
    def image_count(self) -> int:
        """How many images there are."""
        return sum(map(len, self.images.values()))

    def below(self, folder: str) -> dict[str, tuple[str, ...]]:
        """The folders of images at or below a folder."""
        prefix = "" if folder == "." else f"{folder}/"
        return {
            name: files
            for name, files in self.images.items()
            if name == folder or name.startswith(prefix)
        }

    @staticmethod
    def is_in(folder: str, names: Iterable[str]) -> bool:
        """Whether a folder is one of some folders or below it; names may have wildcards."""
        from comp.tasks.image_ids import is_below

        return any(name == "." or is_below(folder, name) for name in names)

    def paths(self, folder: str) -> list[str]:
        """The images at or below a folder, relative to it, sorted."""
        start = PurePosixPath(folder)
        return sorted(
            (PurePosixPath(name).relative_to(start) / file).as_posix()
            for name, files in self.below(folder).items()
            for file in files
        )


def take_inventory(folder: Path) -> Inventory:
    """List the files of a folder. Folders that contain nothing but one folder are skipped.

    Raises:
        DataError: a folder cannot be read.
    """
    root = _without_wrappers(folder)
    images: dict[str, tuple[str, ...]] = {}
    tables: list[str] = []
    others: dict[str, Counter[str]] = {}
    for parent, folders, files in os.walk(root, onerror=_refuse, followlinks=True):
        folders[:] = sorted(name for name in folders if _visible(name))
        relative = Path(parent).relative_to(root).as_posix()
        by_kind: dict[str, list[str]] = {"image": [], "table": [], "other": []}
        for name in sorted(filter(_visible, files)):
            by_kind[_kind(name)].append(name)
        if by_kind["image"]:
            images[relative] = tuple(by_kind["image"])
        tables += [(Path(relative) / name).as_posix() for name in by_kind["table"]]
        if by_kind["other"]:
            others[relative] = Counter(Path(name).suffix.lower() for name in by_kind["other"])
    tables.sort(key=lambda path: (path.count("/"), path))
    return Inventory(root, images, tuple(tables), sum(others.values(), Counter()), others)


def _without_wrappers(folder: Path) -> Path:
    """The first folder on the way down that contains more than one folder."""
    while True:
        entries = [entry for entry in _entries(folder) if _visible(entry.name)]
        if len(entries) != 1 or not entries[0].is_dir():
            return folder
        folder = entries[0]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        _refuse(error)
        raise


def _refuse(error: OSError) -> None:
    raise DataError(
        f"cannot read the folder {error.filename}: {error.strerror}; change its permissions"
    )


def _visible(name: str) -> bool:
    return not name.startswith((".", "__")) and name != "Thumbs.db"


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return "image" if suffix in SUFFIXES else "table" if suffix in TABLES else "other"
