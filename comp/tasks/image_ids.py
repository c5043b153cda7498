"""The image of each id of a table: by its name below one or several folders.

An id is the name of an image, with or without its suffix. If it is not, `comp.tasks.alike_names`
looks for an image that can be no other. Everything else is a problem, for which
`comp.tasks.missing_images` finds the cause.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath

from comp.contract.sample import Sample
from comp.data.listing import entries, folders_named, is_pattern, named_images
from comp.data.text_table import TableError
from comp.errors import DataError


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
        self.folder_of: list[int] = []
        """The number of the folder of each image."""
        for number, folder in enumerate(folders):
            found = named_images(folder)
            if number:
                found = [(path, name) for path, name in found if path not in self.find(name)]
            names = [name for _, name in found]
            self._index(names)
            self.paths += [path for path, _ in found]
            self.names += names
            self.folder_of += [number] * len(found)

    def _index(self, names: Sequence[str]) -> None:
        """Index the names of the next images, with and without suffix."""
        rows = range(len(self.names), len(self.names) + len(names))
        stems = [name[: name.rindex(".")] for name in names]
        both = dict(zip(chain(names, stems), chain(rows, rows), strict=True))
        if len(both) == 2 * len(names) and both.keys().isdisjoint(self.exact):
            self.exact.update(both)
            return
        for pair, index in zip(zip(names, stems, strict=True), rows, strict=True):
            for each in pair:
                first = self.exact.setdefault(each, index)
                if first != index:
                    self.several.setdefault(each, [first]).append(index)

    def find(self, name: str) -> list[Path]:
        """The images of this name, with or without suffix."""
        if name not in self.exact:
            return []
        return [self.paths[index] for index in self.several.get(name, [self.exact[name]])]


def is_number(text: str) -> bool:
    """Whether a text is one or more of the digits 0 to 9."""
    return text.isascii() and text.isdigit() and len(text) < 19
