"""The image files in a folder, found by name without opening them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from comp.contract.sample import Sample
from comp.errors import DataError
from comp.files import is_text

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".npy", ".dcm", ".dicom"}
)


def image_files(folder: Path, *, any_name: bool = False) -> list[Path]:
    """All images below `folder`, by suffix, sorted; hidden files and folders are left out.

    Raises:
        DataError: a folder cannot be read, or the name of an image is not UTF-8; never with
            `any_name`.
    """
    images: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=None if any_name else _refuse_folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        visible = (Path(parent, name) for name in files if not name.startswith((".", "__")))
        images += [p for p in visible if p.suffix.lower() in SUFFIXES and _is_file(p)]
    if not any_name:
        check_names(sorted(images), folder)
    return sorted(images)


def _refuse_folder(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise DataError(
            f"cannot read the folder {error.filename}: {error.strerror}; change its permissions"
        )


def _is_file(path: Path) -> bool:
    """Whether a path is a file; True if that is unknown, so that the reader reports the error."""
    try:
        return path.is_file()
    except OSError:
        return True


def printable_path(path: Path) -> str:
    """A path as text; bytes that are not UTF-8 are shown as \\xe9."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def check_names(paths: Sequence[Path], folder: Path) -> None:
    """Check that the names of images below `folder` can be written into a table.

    Raises:
        DataError: a name is not UTF-8; the message contains the first one.
    """
    for path in (path.relative_to(folder) for path in paths):
        if not is_text(path):
            raise DataError(
                f"the name of the image {printable_path(path)} in {folder} is not UTF-8: rename it"
            )


def samples_in_folder(folder: Path) -> Sequence[Sample]:
    """The images of any folder as samples; the id is the path below the folder, without suffix.

    Raises:
        DataError: the folder has no image, or two images differ only in their suffix.
    """
    files = image_files(folder)
    if not files:
        raise DataError(
            f"no image in {folder}: give a folder with images ({', '.join(sorted(SUFFIXES))})"
        )
    ids = [path.relative_to(folder).with_suffix("").as_posix() for path in files]
    repeated = {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()
    if repeated:
        raise DataError(f"several images have the name '{min(repeated)}' in {folder}: rename one")
    return [Sample(id=i, image=path) for i, path in zip(ids, files, strict=True)]
