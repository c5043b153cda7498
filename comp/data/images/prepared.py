"""The prepared images of a run: its cache, and the images that cannot be read.

On disk, paths inside the data of the run are relative to its root, so that a run also finds its
images if its data moved, or is elsewhere on another machine. In memory all paths are absolute.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.data.images.values import ValueRange
from comp.errors import RunError
from comp.files import read_json, write_json

POINTER = "images.json"


def relative_key(path: str, root: Path | None) -> str:
    """An absolute path as it is written on disk: relative to `root` if it is in there, with
    slashes."""
    prefix = f"{root}{os.sep}" if root else ""
    if not prefix or not path.startswith(prefix):
        return path
    return path.removeprefix(prefix).replace(os.sep, "/")


def absolute_key(key: str, root: Path | None) -> str:
    """The absolute path of `relative_key`; keys of earlier versions are absolute."""
    return str(root / key) if root and not Path(key).is_absolute() else key


def relative_keys(paths: Mapping[str, str], root: Path | None) -> dict[str, str]:
    """A mapping of absolute paths, as it is written on disk."""
    return {relative_key(path, root): value for path, value in paths.items()}


def absolute_keys(
    paths: Mapping[str, str], root: Path | None, before: str | None = None
) -> dict[str, str]:
    """The mapping of `relative_keys`, with absolute paths.

    Args:
        before: the root of the data when an earlier version wrote absolute paths.
    """
    old = Path(before) if before else None
    return {
        absolute_key(relative_key(path, old) if root else path, root): value
        for path, value in paths.items()
    }


@dataclass(frozen=True)
class PreparedImages:
    """The image cache of a run, and its unreadable images.

    `cache` is the cache folder or None; `no_cache_reason` says why the cache could not be made.
    `skipped` maps the absolute paths of unreadable images to the error messages. `value_range` is
    None if all images have 8 bits; its `sentence` is for the user. `root` is the folder of the
    data, to which paths on disk are relative; None if they are absolute. `pages` is the folder of
    a cache of whole images and masks or None.
    """

    cache: Path | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    no_cache_reason: str = ""
    value_range: ValueRange | None = None
    root: Path | None = None
    pages: Path | None = None

    def write_pointer(self, folder: Path) -> None:
        """Write all but the reason to a file in `folder`."""
        cache = None if self.cache is None else self.cache.absolute()
        pointer: dict[str, Any] = {
            "cache": None if cache is None else str(cache),
            "skipped": relative_keys(self.skipped, self.root),
        }
        pages = None if self.pages is None else self.pages.absolute()
        if pages:
            pointer["pages"] = str(pages)
        if self.root:
            pointer["root"] = str(self.root)
            for name, folder_of in (("cache", cache), ("pages", pages)):
                if folder_of:
                    pointer[f"{name}_from_root"] = os.path.relpath(folder_of, self.root)
        if self.value_range:
            pointer["value_range"] = self.value_range.record()
        write_json(folder / POINTER, pointer)

    @classmethod
    def read_pointer(cls, folder: Path, root: Path | None = None) -> PreparedImages:
        """Read the file of `write_pointer`; without it, there is no cache and nothing is skipped.

        Args:
            root: the folder of the data; None: where it was when the file was written.

        Raises:
            RunError: the file is damaged.
        """
        path = folder / POINTER
        if not path.is_file():
            return cls()
        try:
            pointer = read_json(path)
            recorded = Path(pointer["root"]) if pointer.get("root") else None
            here = (root or recorded) if recorded else None
            cache, pages = (_found(pointer, name, here) for name in ("cache", "pages"))
            record = pointer.get("value_range")
            value_range = ValueRange.from_record(record) if record else None
            skipped = absolute_keys(dict(pointer["skipped"]), here)
            return cls(cache, skipped, value_range=value_range, root=here, pages=pages)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise RunError(f"{path} is damaged ({error}): remove it, or run again") from None


def _found(pointer: Mapping[str, Any], name: str, root: Path | None) -> Path | None:
    """The folder of a cache, which may have moved with the data in `root`."""
    folder = Path(pointer[name]) if pointer.get(name) else None
    if folder and root and not folder.is_dir() and pointer.get(f"{name}_from_root"):
        return Path(os.path.normpath(root / pointer[f"{name}_from_root"]))
    return folder
