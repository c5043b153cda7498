"""The names in a zip archive: refuse those that would be written outside, or over each other."""

from __future__ import annotations

import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from uuid import uuid4

from comp.errors import DataError


def check_members(members: Sequence[zipfile.ZipInfo], name: str, target: Path) -> None:
    """Check the members of the archive `name` before they are written into `target`.

    Raises:
        DataError: a path is outside, a member is neither a file nor a folder, or two members are
            the same file in `target`.
    """
    _refuse_unsafe(members, name)
    _refuse_collisions(members, name, target)


def parts_of(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The parts of the path of a member; some programs write backslashes."""
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def is_folder(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder."""
    return member.filename.endswith(("/", "\\"))


def _refuse_unsafe(members: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Refuse paths outside the folder, links and other special files."""
    for member in members:
        parts, kind = parts_of(member), stat.S_IFMT(member.external_attr >> 16)
        outside = not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]
        if outside or kind == stat.S_IFLNK:
            raise DataError(
                f"{name} contains '{member.filename}', which points outside: not unpacked"
            )
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(
                f"{name} contains '{member.filename}', which is not a file or folder: not unpacked"
            )


def _refuse_collisions(members: Sequence[zipfile.ZipInfo], name: str, target: Path) -> None:
    """Refuse names that are the same in `target`. Some file systems do not distinguish Unicode
    forms, or upper and lower case; the others get all files."""
    problem = _collision(members, _normal)
    if problem and _distinguishes_names(target):
        problem = _collision(members, str)
    if problem:
        raise DataError(f"{name} contains {problem}: not unpacked")


def _normal(part: str) -> str:
    return unicodedata.normalize("NFC", part).casefold()


def _collision(members: Sequence[zipfile.ZipInfo], key: Callable[[str], str]) -> str:
    """The first two members whose paths are equal by `key`, in words; "" if there are none."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in members:
        parts = [key(part) for part in parts_of(member)]
        parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        folders |= {path: member.filename for path in parents if path not in folders}
        path = "/".join(parts)
        known = folders if is_folder(member) else files
        if path in files and known is files:
            both = f"'{files[path]}' and '{member.filename}'"
            return f"{both}, which are the same file on some machines"
        known[path] = member.filename
    for path in sorted(files.keys() & folders.keys()):
        return f"'{files[path]}' as a file, and as a folder with '{folders[path]}'"
    return ""


def _distinguishes_names(folder: Path) -> bool:
    """Whether capitals, and the Unicode forms of a letter, make different files in a folder."""
    probe = folder / f".{uuid4().hex[:8]}"
    probe.mkdir()
    try:
        for first, second in (("a", "A"), ("\u00e9", "e\u0301")):
            (probe / first).touch()
            if (probe / second).exists():
                return False
        return True
    finally:
        shutil.rmtree(probe)
