"""The image of each id of a table: by its name below one or several folders.

An id is the name of an image, with or without its suffix. If it is not, an image is taken only if
it can be no other: the spelling of the suffix or of the letters differs (.JPG and .jpg, Unicode),
the id names the folder too, the images are one folder deeper, a number has lost or got zeros.
Everything else is a problem, for which `comp.tasks.missing_images` finds the cause.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath

from comp.contract.sample import Sample
from comp.data.listing import SUFFIXES, entries, folders_named, image_files, is_pattern
from comp.data.text_table import TableError
from comp.errors import DataError

FAMILIES = {".jpeg": ".jpg", ".jfif": ".jpg", ".tiff": ".tif", ".dicom": ".dcm"}
"""Suffixes of one format, and the usual one."""


@dataclass(frozen=True)
class ImageSearch:
    """Where the images of a table are, and the arguments of the plugin that say so."""

    root: Path
    folders: Sequence[Path]
    table: Path
    folder_argument: str = "images"
    id_argument: str = "id_column"
    one_folder: bool = False
    """Whether the argument is the name of one folder, and other folders have the same names, such
    as those of images and masks."""


def folders_of(root: Path, names: str | Sequence[str], argument: str) -> list[Path]:
    """The folders of images that a plugin names, one or several; a name such as "part_*" is that of
    all folders that fit it.

    Raises:
        DataError: no folder fits such a name.
    """
    folders: list[Path] = []
    for name in names_of(names):
        found = folders_named(root, name)
        if not found:
            raise TableError(
                f"{root} has no folder '{name}', only {entries(root)}: correct {argument} in the "
                "plugin, or fetch the data again"
            )
        folders += found
    return list(dict.fromkeys(folders))


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def drawn_folders(root: Path, names: str | Sequence[str]) -> list[Path]:
    """The folders of synthetic images; of "part_*", part_1 and part_2."""
    folders = []
    for name in names_of(names):
        numbers = "12" if is_pattern(name) else "1"
        folders += [root / re.sub(r"\[.*?\]|[*?]+", number, name) for number in numbers]
    return folders


def is_below(path: str, name: str) -> bool:
    """Whether a path, with "/", is a folder of this name or pattern, or below it."""
    parts, pattern = PurePosixPath(path).parts, PurePosixPath(name).parts
    pairs = zip(parts, pattern, strict=False)
    return len(parts) >= len(pattern) and all(fnmatchcase(part, mark) for part, mark in pairs)


def list_images(folders: Sequence[Path]) -> list[Sample]:
    """The images of folders as samples; the id is the path in the folder.

    Raises:
        DataError: there are none, or two have the same path.
    """
    index = ImageIndex(folders)
    if not index.paths:
        raise DataError(f"no images in {' and '.join(map(str, folders))}: fetch the data again")
    if len(set(index.names)) < len(index.names):
        name = next(name for name in index.names if len(index.find(name)) > 1)
        raise DataError(
            f"{' and '.join(map(str, index.find(name)[:2]))} have the same name: rename one, or "
            "predict one of the folders"
        )
    return [Sample(id=n, image=path) for n, path in zip(index.names, index.paths, strict=True)]


class ImageIndex:
    """The images below some folders, by name.

    Raises:
        DataError: a folder cannot be read, or the name of an image is not UTF-8.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.paths: list[Path] = []
        self.names: list[str] = []
        """The path of each image below its folder, with "/"."""
        self.exact: dict[str, int] = {}
        """Name, with and without suffix -> the first image."""
        self.several: dict[str, list[int]] = {}
        """The same of the names of several images -> all of them."""
        self._folder: list[int] = []
        for number, folder in enumerate(folders):
            for path, name in _named(folder):
                if number and path in self.find(name):
                    continue
                index = len(self.paths)
                self.paths.append(path)
                self.names.append(name)
                self._folder.append(number)
                self._add(name, index)
                self._add(name[: name.rindex(".")], index)

    def _add(self, name: str, index: int) -> None:
        first = self.exact.setdefault(name, index)
        if first != index:
            self.several.setdefault(name, [first]).append(index)

    def find(self, name: str) -> list[Path]:
        """The images of this name, with or without suffix."""
        if name not in self.exact:
            return []
        return [self.paths[index] for index in self.several.get(name, [self.exact[name]])]

    def find_alike(self, ids: Iterable[str], all_numbers: bool) -> dict[str, Path]:
        """The image of each of the ids that have no image of their name, where it is certain.

        Args:
            all_numbers: whether all ids of the table are digits.
        """
        found: dict[str, Path] = {}
        for name in ids:
            indices = set(self._alike(name)) or set(self._by_number(name) if all_numbers else ())
            if len(indices) == 1:
                found[name] = self.paths[indices.pop()]
            elif not indices:
                path = self._without_suffix(name)
                found |= {name: path} if path else {}
        return found

    def _alike(self, name: str) -> list[int]:
        stem, family = split_suffix(name)
        indices = self._spelled(stem, family)
        for number, folder in enumerate(self.folders):
            rest = _below(stem, folder)
            if rest and not indices:
                inside = self._spelled(rest, family)
                indices += [index for index in inside if self._folder[index] == number]
        return indices

    def _spelled(self, stem: str, family: str) -> list[int]:
        candidates = self._by_stem.get(stem, []) or self._by_inner_stem.get(stem, [])
        return [i for i in candidates if family in ("", split_suffix(self.names[i])[1])]

    def _by_number(self, name: str) -> list[int]:
        stem, family = split_suffix(name)
        candidates = self._numbers.get(int(stem), []) if is_number(stem) else []
        return [i for i in candidates if family in ("", split_suffix(self.names[i])[1])]

    def _without_suffix(self, name: str) -> Path | None:
        """A file with the name of an id and no suffix, if it is an image by its content."""
        from comp.data.images.formats import is_picture

        for folder in self.folders:
            path = folder / name
            if not path.suffix and os.path.isfile(path):  # noqa: PTH113 - Path raises for long names
                try:
                    return path if is_picture(path) else None
                except DataError:
                    return None
        return None

    @cached_property
    def _by_stem(self) -> dict[str, list[int]]:
        return _grouped(split_suffix(name)[0] for name in self.names)

    @cached_property
    def _by_inner_stem(self) -> dict[str, list[int]]:
        """Without the subfolder that all images of a folder share, such as train/train/."""
        inner: list[str | None] = [None] * len(self.names)
        for number in range(len(self.folders)):
            indices = [i for i, folder in enumerate(self._folder) if folder == number]
            shared = _shared_depth([self.names[i].split("/")[:-1] for i in indices])
            for i in indices if shared else ():
                inner[i] = split_suffix(self.names[i].split("/", shared)[-1])[0]
        return _grouped(inner)

    @cached_property
    def _numbers(self) -> dict[int, list[int]]:
        """Number -> the images whose name it is; empty unless all names are numbers."""
        stems = [split_suffix(name)[0].rpartition("/")[2] for name in self.names]
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


def is_number(text: str) -> bool:
    """Whether a text is one or more of the digits 0 to 9."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _named(folder: Path) -> list[tuple[Path, str]]:
    start = f"{folder}{os.sep}"
    found = []
    for path in image_files(folder):
        name = str(path).removeprefix(start)
        found.append((path, name.replace(os.sep, "/") if os.sep != "/" else name))
    return found


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
