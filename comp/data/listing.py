"""The image files in a folder, found by name without opening them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path

from comp.contract.sample import Sample
from comp.errors import DataError
from comp.files import is_text

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff"}
    | {".gif", ".webp", ".npy", ".dcm", ".dicom"}
)


def image_files(folder: Path, *, any_name: bool = False) -> list[Path]:
    """All images below `folder`, by suffix, sorted; hidden files and folders are left out.

    Raises:
        DataError: a folder cannot be read, or the name of an image is not UTF-8; never with
            `any_name`.
    """
    return [path for path, _ in named_images(folder, any_name=any_name)]


def named_images(folder: Path, *, any_name: bool = False) -> list[tuple[Path, str]]:
    """As `image_files`, each with its path below `folder`, with "/".

    Raises:
        DataError: as `image_files`.
    """
    found: list[tuple[Path, str]] = []
    _add_images(folder, "", None if any_name else _refuse_folder, found)
    ascii_only = "".join([name for _, name in found]).isascii()  # quick for a million names
    if not any_name and not ascii_only and not all(_is_text(name) for _, name in found):
        check_names([path for path, _ in found], folder)
    return found


def _add_images(
    folder: Path,
    prefix: str,
    on_error: Callable[[OSError], None] | None,
    found: list[tuple[Path, str]],
) -> None:
    """Add the images below a folder in the order of sorted paths."""
    try:
        entries = _sorted_entries(folder)
    except OSError as error:
        if on_error:
            on_error(error)
        return
    for name, entry, path in entries:
        if name.startswith((".", "__")):
            continue
        if _is_folder(entry):
            if not entry.is_symlink():
                _add_images(path, f"{prefix}{name}/", on_error, found)
        elif name[name.rfind(".") :].lower() in SUFFIXES and _is_file(entry):
            found.append((path, f"{prefix}{name}" if prefix else name))


def _sorted_entries(folder: Path) -> list[tuple[str, os.DirEntry[str], Path]]:
    """What is in a folder, sorted by name. `iterdir` makes its paths much faster than `Path` does,
    and `scandir` knows what they are without asking the disk again."""
    entries, paths = list(os.scandir(folder)), list(folder.iterdir())
    names = [path.name for path in paths]
    if [entry.name for entry in entries] != names:  # the folder has just changed
        known = {entry.name: entry for entry in entries}
        both = [(name, path) for name, path in zip(names, paths, strict=True) if name in known]
        found = [(name, known[name], path) for name, path in both]
    else:
        found = list(zip(names, entries, paths, strict=True))
    return sorted(found, key=itemgetter(0))


def below(path: Path, folder: Path) -> str:
    """The path of a file in `folder`, below it, with "/"."""
    name = str(path).removeprefix(f"{folder}{os.sep}")
    return name if os.sep == "/" else name.replace(os.sep, "/")


def folders_named(root: Path, name: str) -> list[Path]:
    """The folder of a name; of a pattern such as "part_*", all visible folders that fit it, sorted.
    A folder without wildcards need not exist."""
    if not is_pattern(name):
        return [root / name]
    found = (path for path in root.glob(name) if path.is_dir())
    return sorted(path for path in found if not path.name.startswith((".", "__")))


def is_pattern(name: str) -> bool:
    """Whether a name has wildcards."""
    return any(mark in name for mark in "*?[")


def contains(folder: Path, name: str) -> bool:
    """Whether a folder contains a name, or a folder that fits a pattern."""
    return bool(folders_named(folder, name)) if is_pattern(name) else (folder / name).exists()


def entries(folder: Path, shown: int = 8) -> str:
    """The visible names in a folder, for messages; "nothing" if there are none."""
    try:
        names = sorted(p.name for p in folder.iterdir() if not p.name.startswith((".", "__")))
    except OSError:
        names = []
    more = f" and {len(names) - shown:,} more" * (len(names) > shown)
    return f"{', '.join(names[:shown])}{more}" or "nothing"


def _refuse_folder(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise DataError(
            f"cannot read the folder {error.filename}: {error.strerror}; change its permissions"
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file; True if that is unknown, so that the reader reports the error."""
    try:
        return entry.is_file()
    except OSError:
        return True


def _is_text(name: str) -> bool:
    return name.isascii() or is_text(Path(name))


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
    files = named_images(folder)
    if not files:
        raise DataError(
            f"no image in {folder}: give a folder with images ({', '.join(sorted(SUFFIXES))})"
        )
    ids = [name[: name.rindex(".")] for _, name in files]
    if len(set(ids)) < len(ids):
        repeated = min(name for name, count in Counter(ids).items() if count > 1)
        raise DataError(f"several images have the name '{repeated}' in {folder}: rename one")
    return [Sample(id=i, image=path) for i, (path, _) in zip(ids, files, strict=True)]
