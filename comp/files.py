"""Files that are complete or do not exist (written under a temporary name, flushed, renamed), and
lock files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

from comp.errors import DiskError

_NOT_WRITABLE = "make the folder and its files writable for you"
REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.EROFS: _NOT_WRITABLE,
    errno.EACCES: _NOT_WRITABLE,
    errno.EPERM: _NOT_WRITABLE,
}
"""What a user can do about an error number of the disk."""
_LOCKS_UNSUPPORTED = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""Error numbers of `flock` on a file system without locks."""
_warned_disks: set[int] = set()
"""Device numbers of the disks without locks that the user was warned of."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success flush it and rename it to `path`.

    On an exception the temporary file is removed and `path` does not change.

    Raises:
        DiskError: when the disk is full, or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("r+b") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if _error_number(error) not in REMEDIES:
            raise
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_error(path: Path, error: OSError) -> DiskError:
    """The error to raise when `path` cannot be written; it says why and what to do."""
    remedy = REMEDIES.get(_error_number(error) or 0, "check that folder")
    reason = error.strerror or error
    return DiskError(f"cannot write {path.name} in {path.parent}: {reason}; {remedy}")


def _error_number(error: OSError) -> int | None:
    """The number of an error. polars writes it into the message only: `(os error 28)`."""
    if error.errno is not None:
        return error.errno
    match = re.search(r"os error (\d+)", str(error))
    return int(match[1]) if match else None


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write bytes."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def new_folder(target: Path) -> Iterator[Path | None]:
    """Yield a new folder that becomes `target` on success; None if `target` exists.

    If two processes make the same folder, the first one wins.
    """
    if target.is_dir():
        yield None
        return
    temporary = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_text(path: Path) -> bool:
    """Whether a path can be written into a record or a table: file names need not be UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def nearest_existing(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    candidates = (path, *path.absolute().parents)
    return next((p for p in candidates if os.access(p, os.F_OK)), Path(path.anchor))


def why_not_writable(folder: Path) -> str:
    """Why no file can be created in a folder; "" if one can.

    It creates a file without a name: permission bits are wrong for read-only disks and for root.
    """
    try:
        with TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def make_folder(path: Path, parents: bool = False) -> None:
    """Make a folder if it does not exist.

    Args:
        parents: make the folders that it is in too.

    Raises:
        DiskError: when it cannot be made.
    """
    try:
        path.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from None


def take_lock(
    path: Path, timeout_s: float, warn: Callable[[str], None]
) -> AbstractContextManager[object]:
    """Take the lock file `path` in an existing folder; the end of `with` releases it.

    On a file system without locks the result does nothing but mark the file with this process, and
    `warn` gets one line per disk.

    Raises:
        TimeoutError: when another process holds the lock for longer than `timeout_s`.
        OSError: when the file cannot be written.
    """
    from filelock import FileLock

    reason = _why_no_locks(path.parent)
    if not reason:
        return FileLock(path).acquire(timeout=timeout_s)
    disk = path.parent.stat().st_dev
    if disk not in _warned_disks:
        _warned_disks.add(disk)
        warn(
            f"the disk of {path.parent} has no file locks ({reason}): continuing without; do not "
            "start a second command on it that does the same"
        )
    return _marked(path)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file `path`, by `take_lock`.

    On a file system without locks this is only known of processes of this machine.
    """
    from filelock import FileLock

    try:
        if not path.is_file():
            return False
        if _why_no_locks(path.parent):
            return _owner_runs(path)
        with FileLock(path, timeout=0):
            return False
    except TimeoutError:  # filelock's Timeout
        return True
    except OSError:  # nothing can be locked in a folder that cannot be read or written
        return False


def seems_locked(path: Path) -> bool:
    """Whether a process holds the lock file `path`, as `is_locked` says, for a process that only
    reads: nothing is written, and another process can take the lock meanwhile."""
    try:
        import fcntl
    except ImportError:  # Windows
        return is_locked(path)
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        return error.errno in _LOCKS_UNSUPPORTED and _owner_runs(path)
    return False


def _why_no_locks(folder: Path) -> str:
    """Why files in a folder cannot be locked; "" if they can, or if only `FileLock` can tell."""
    try:
        import fcntl
    except ImportError:  # Windows
        return ""
    try:
        with TemporaryFile(dir=folder) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.strerror or str(error) if error.errno in _LOCKS_UNSUPPORTED else ""
    return ""


@contextmanager
def _marked(path: Path) -> Iterator[None]:
    """Write the machine and process into a file inside the block, which is empty afterwards."""
    path.write_text(f"{platform.node()} {os.getpid()}")
    try:
        yield
    finally:
        with suppress(OSError):
            path.write_text("")


def _owner_runs(path: Path) -> bool:
    machine, _, process = path.read_text(errors="replace").rpartition(" ")
    if machine != platform.node() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with newlines as given."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; values that JSON does not know are written as `str`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
