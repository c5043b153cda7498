"""Zips that Python cannot open though they are whole: packed by another method, encrypted, or split
into parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from comp.errors import DataError

_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    12: "bzip2",
    14: "LZMA",
    20: "Zstandard",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
}
_AES = 99
_ENCRYPTED, _STRONG, _MASKED = 0x1, 0x40, 0x2000
"""Bits of the flags of a member: it, its key or its header is encrypted."""


class UnreadableError(DataError):
    """An archive is whole, but Python cannot unpack it; another program can.

    `reason` is the reason without the name of the archive, and without what to do.
    """

    def __init__(self, name: str, reason: str, folder: str) -> None:
        self.name, self.reason, self.folder = name, reason, folder
        super().__init__(f"{name} cannot be unpacked: {reason}; {unpack_advice(name, folder)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.reason, self.folder)


@dataclass(frozen=True, kw_only=True)
class KeptZip:
    """A zip that stays as it is; `path` and `folder`, where its members belong, are relative to the
    folder of the data."""

    path: str
    folder: str
    reason: str

    def sentence(self, place: Path) -> str:
        """What was kept in `place`, and how to unpack it."""
        path, folder = place / self.path, place / self.folder
        return f"{path} is kept as it is: {self.reason}; {unpack_advice(str(path), str(folder))}"

    def below(self, parent: Path) -> KeptZip:
        """The same zip, with paths relative to a folder of which `parent` is a part."""
        path, folder = parent / self.path, parent / self.folder
        return KeptZip(path=str(path), folder=str(folder), reason=self.reason)


def unpack_advice(path: str, folder: str) -> str:
    """How to unpack an archive with another program."""
    return f"unpack it with 7-Zip: 7z x {_quoted(path)} -o{_quoted(folder)}"


def _quoted(path: str) -> str:
    return f"'{path}'" if " " in path else path


def why_unreadable(members: Sequence[zipfile.ZipInfo]) -> str:
    """Why Python cannot unpack these members; "" if it can."""
    by_reason: dict[str, list[str]] = {}
    for member in members:
        if reason := _why_not(member):
            by_reason.setdefault(reason, []).append(member.filename)
    sentences = [f"{_names(names)} {reason}" for reason, names in by_reason.items()]
    return ", and ".join(sentences)


def why_split(archive: Path) -> str:
    """That a zip is the last part of several, if its first part is beside it; else ""."""
    first = next((p for end in (".z01", ".Z01") if (p := archive.with_suffix(end)).exists()), None)
    return f"it is the last part of several, which begin with {first.name}" if first else ""


def target_folder(archive: Path, members: Sequence[zipfile.ZipInfo]) -> Path:
    """Where the members of a zip within the data belong: beside it if they are in a folder of its
    name, else in such a folder."""
    tops = {PurePosixPath(member.filename.replace("\\", "/")).parts[:1] for member in members}
    alone = len(tops) == 1 and archive.stem in {
        name for top in tops for part in top for name in (part, PurePosixPath(part).stem)
    }
    return archive.parent if alone else archive.parent / archive.stem


def _names(names: Sequence[str]) -> str:
    more = len(names) - 1
    return f"'{names[0]}'" + (f" and {more:,} other{'s' * (more > 1)}" if more else "")


def _why_not(member: zipfile.ZipInfo) -> str:
    flags, method = member.flag_bits, member.compress_type
    if method == _AES or flags & (_STRONG | _MASKED):
        return "encrypted with AES, which needs a password" if method == _AES else "encrypted"
    if flags & _ENCRYPTED:
        return "encrypted, which needs a password"
    if _can_read(method):
        return ""
    name = _METHODS.get(method)
    return (
        f"packed by {f'{name} (method {method})' if name else f'method {method}'}, which this "
        "Python cannot read"
    )


def _can_read(method: int) -> bool:
    """Whether this Python has the method; a later one may have more of them."""
    try:
        zipfile.ZipFile(io.BytesIO(), "w", compression=method).close()
    except (NotImplementedError, RuntimeError):
        return False
    return True
