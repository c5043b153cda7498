"""The images in a folder, by their names alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from comp.contract.competition import Sample
from comp.errors import DataError
from comp.files import is_text

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def image_files(folder: Path, *, any_name: bool = False) -> list[Path]:
    """Every image below `folder`, by suffix, sorted; hidden files and folders are left out.

    Raises:
        DataError: when a folder cannot be read, or the name of an image is no text; neither where
            images of `any_name` are asked for.
    """
    found = []
    for place, folders, files in os.walk(folder, onerror=None if any_name else _refuse_folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        shown = (Path(place, name) for name in files if not name.startswith((".", "__")))
        found += [p for p in shown if p.suffix.lower() in SUFFIXES and _is_file(p)]
    if not any_name:
        check_names(sorted(found), folder)
    return sorted(found)


def _refuse_folder(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise DataError(f"cannot read the folder {error.filename}: {error.strerror}")


def _is_file(path: Path) -> bool:
    """Whether it is a file, or something that whoever reads it will be refused."""
    try:
        return path.is_file()
    except OSError:
        return True


def spelled(path: Path) -> str:
    """A path in text, whatever it is: bytes that are no UTF-8 are shown as \\xe9 and the like."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def check_names(paths: Sequence[Path], folder: Path) -> None:
    """Make sure that the names of images below `folder` can be written into a table.

    Raises:
        DataError: naming the first that is no text.
    """
    for path in (path.relative_to(folder) for path in paths):
        if not is_text(path):
            raise DataError(
                f"the name of the image {spelled(path)} in {folder} is no UTF-8: rename it"
            )


def loose_samples(folder: Path) -> Sequence[Sample]:
    """The images of a folder that is no competition's, as samples named by their path below it.

    Raises:
        DataError: when there is no image, or two differ in their suffix alone.
    """
    files = image_files(folder)
    if not files:
        raise DataError(f"no image under {folder}: looked for {', '.join(sorted(SUFFIXES))}")
    ids = [path.relative_to(folder).with_suffix("").as_posix() for path in files]
    twice = {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()
    if twice:
        raise DataError(f"several images are named '{min(twice)}' in {folder}: rename one")
    return [Sample(id=i, image=path) for i, path in zip(ids, files, strict=True)]
