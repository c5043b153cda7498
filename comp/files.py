"""Files that are whole or not there: written to a temporary name, flushed, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

from comp.errors import DiskError

_CLOSED = "make the folder and what is in it writable for you"
REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
}
"""What a user can do about what the disk says."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it and rename it to `path`.

    On an exception the temporary file is removed and `path` stays as it was.

    Raises:
        DiskError: when there is no room for it, or it may not be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("r+b") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if _number(error) not in REMEDIES:
            raise
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> DiskError:
    """Say why a file or a folder cannot be made, and what to do about it."""
    remedy = REMEDIES.get(_number(error) or 0, "look at that folder")
    words = f"cannot write {path.name} in {path.parent}: {error.strerror or error}; {remedy}"
    return DiskError(words)


def _number(error: OSError) -> int | None:
    """The number of an error, which polars leaves in its words: `(os error 28)`."""
    if error.errno is not None:
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else None


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write bytes."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def new_folder(target: Path) -> Iterator[Path | None]:
    """Yield a new folder that becomes `target` on success; None where `target` is there already.

    Whoever comes second finds the first one's folder and leaves it.
    """
    if target.is_dir():
        yield None
        return
    aside = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        aside.mkdir(parents=True)
        yield aside
        try:
            aside.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def is_text(path: Path) -> bool:
    """Whether a path can be written into a record or a table: not every name on a disk is UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def nearest(place: Path) -> Path:
    """The place, or the nearest above it that there is."""
    above = (place, *place.absolute().parents)
    return next((one for one in above if os.access(one, os.F_OK)), Path(place.anchor))


def refusal(folder: Path) -> str:
    """Why no file can be made in a folder, "" where one can; asked by making one without a name,
    since permission bits do not tell of read-only disks, nor of the superuser."""
    try:
        with TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def make_folder(path: Path) -> None:
    """Make a folder where it is not there.

    Raises:
        DiskError: where it cannot be made.
    """
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with newlines as given."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; what JSON does not know is written as `str`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
