"""Unpack zip archives from Kaggle, nested ones too, once and safely.

The name of the cache folder comes from the archive's table of contents. A temporary folder is
filled and then renamed, so that an interrupted unpacking leaves nothing behind. Members that would
be written outside the folder, and zip bombs, are refused before they are written.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from comp.data.archive_members import check_members, is_folder, parts_of
from comp.data.archive_methods import (
    KeptZip,
    UnreadableError,
    target_folder,
    why_split,
    why_unreadable,
)
from comp.errors import DataError, DiskError
from comp.files import new_folder
from comp.streams import print_to_stderr

_MAX_RATIO = 200
_SMALL = 1_000_000_000
_MAX_DEPTH = 4
_RUBBISH = ("__MACOSX", ".DS_Store")
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

OnUnpacked = Callable[[int], None]
"""(bytes written so far, nested zips included) -> None."""


class DamagedError(DataError):
    """An archive is truncated or corrupt; a new copy is needed."""


class UnpackLimit:
    """The bytes written from an archive and its nested zips, and their limit.

    Args:
        packed: size of the outermost archive, in bytes; the limit is 200 times this, at least 1 GB.
        on_bytes: called after each write.
    """

    def __init__(self, packed: int, on_bytes: OnUnpacked | None = None) -> None:
        self.written = 0
        self._limit = max(_SMALL, _MAX_RATIO * packed)
        self._on_bytes = on_bytes

    def check(self, name: str, more: int) -> None:
        """Check that `more` bytes stay within the limit.

        Raises:
            DataError: they do not; the message contains the total size.
        """
        if self.written + more > self._limit:
            raise DataError(
                f"{name} would grow to {(self.written + more) / 1e9:.1f} GB, which looks like a "
                "zip bomb: not unpacked"
            )

    def add(self, name: str, count: int) -> None:
        """Count `count` bytes that were written; raises like `check`."""
        self.check(name, count)
        self.written += count
        if self._on_bytes:
            self._on_bytes(self.written)


def unpack(archive: Path, cache: Path) -> Path:
    """Return the folder with the contents of `archive`, unpacked under `cache` at the first use.

    Each nested zip is replaced by its members, in a folder with the name of the zip unless they
    already are in such a folder. A nested zip that Python cannot open stays, with a line on stderr.

    Raises:
        DamagedError: the file is not a zip, or is damaged.
        UnreadableError: it is packed by a method that Python does not have, or encrypted.
        DataError: a member is unsafe, or the contents do not fit on the disk.
        DiskError: `cache` cannot be written.
    """
    target = cache / f"{archive.stem}-{_contents_hash(archive)}"
    with _new_cache_folder(target, archive.name) as folder:
        kept = unpack_into(archive, folder, archive.name) if folder else []
    _tell(kept, target)
    return target


def unpack_into(
    archive: Path, folder: Path, name: str, on_bytes: OnUnpacked | None = None
) -> list[KeptZip]:
    """Unpack `archive`, called `name` in messages, into an empty folder, like `unpack`; returns the
    nested zips that Python cannot open.

    After an error the folder is incomplete; nothing is written outside it.
    """
    limit = UnpackLimit(archive.stat().st_size, on_bytes)
    _extract(archive, folder, name, limit)
    return _unpack_inner(folder, name, limit)


def unpack_inside(folder: Path, name: str, on_bytes: OnUnpacked | None = None) -> list[KeptZip]:
    """Replace the zips in a folder, called `name` in messages, by their contents; returns those
    that Python cannot open."""
    packed = sum(path.stat().st_size for path in _zips(folder))
    return _unpack_inner(folder, name, UnpackLimit(packed, on_bytes))


def unpack_folder(folder: Path, cache: Path) -> Path:
    """Return a folder with the files of `folder` and, instead of its zips, their contents.

    For data that is several zips, or only partly unpacked. Raises like `unpack`.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    zips = [path for path in files if path.suffix == ".zip"]
    names = hashlib.sha256("|".join(_contents_hash(path) for path in zips).encode())
    target = cache / f"{folder.name}-{names.hexdigest()[:12]}"
    kept: list[KeptZip] = []
    with _new_cache_folder(target, folder.name) as new:
        if new:
            for path in files:
                shutil.copy2(path, new / path.name)
            limit = UnpackLimit(sum(path.stat().st_size for path in zips))
            kept = _unpack_inner(new, folder.name, limit)
    _tell(kept, target)
    return target


def _tell(kept: list[KeptZip], folder: Path) -> None:
    for each in kept:
        print_to_stderr(each.sentence(folder))


@contextmanager
def _new_cache_folder(target: Path, name: str) -> Iterator[Path | None]:
    """`new_folder` for the contents of `name`.

    Raises:
        DiskError: the folder cannot be written.
    """
    try:
        with new_folder(target) as folder:
            yield folder
    except OSError as error:
        raise DiskError(
            f"cannot unpack {name} into {target.parent}: {error.strerror or error}; make room "
            "there, or use a writable working folder"
        ) from None


def _contents_hash(archive: Path) -> str:
    """A short hash of the names, sizes and CRCs in the archive's table of contents."""
    with _open(archive, archive.name) as zipped:
        lines = [f"{m.filename}|{m.file_size}|{m.CRC}" for m in zipped.infolist()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _open(archive: Path, name: str) -> zipfile.ZipFile:
    """Open a zip. If it is truncated, `zipfile` may find the table of contents of a nested zip and
    read only that one; then no member starts at the beginning of the file."""
    damaged = DamagedError(f"{name} is not a zip archive, or is truncated: fetch it again")
    try:
        zipped = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError):
        _refuse_part(archive, name)
        raise damaged from None
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}; change its permissions") from None
    if min((m.header_offset for m in zipped.infolist()), default=zipped.start_dir):
        zipped.close()
        _refuse_part(archive, name)
        raise damaged
    return zipped


def _refuse_part(archive: Path, name: str) -> None:
    """Raises UnreadableError: the zip is one part of several."""
    if reason := why_split(archive):
        raise UnreadableError(name, reason, str(archive.parent / archive.stem))


def _extract(archive: Path, target: Path, name: str, limit: UnpackLimit) -> None:
    with _open(archive, name) as zipped:
        members = [
            m
            for m in zipped.infolist()
            if m.filename not in (".", "./") and not set(_RUBBISH) & set(parts_of(m))
        ]
        check_members(members, name, target)
        if reason := why_unreadable(members):
            raise UnreadableError(name, reason, str(target_folder(archive, members)))
        _refuse_too_big(members, target, name, limit)
        for member in members:
            try:
                _write(zipped, member, target.joinpath(*parts_of(member)), name, limit)
            except OSError as error:
                raise DataError(
                    f"cannot unpack '{member.filename}' of {name}: {error.strerror}; check the "
                    f"disk and the permissions of {target.parent}"
                ) from None
            except _BROKEN:
                raise DamagedError(
                    f"{name} is damaged at '{member.filename}': fetch it again"
                ) from None


def _write(
    zipped: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, name: str, limit: UnpackLimit
) -> None:
    """Write one member, and count its real size: the table of contents can be wrong."""
    if is_folder(member):
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipped.open(member) as packed, path.open("xb") as stream:
        while data := packed.read(_CHUNK):
            limit.add(name, len(data))
            stream.write(data)


def _refuse_too_big(
    members: list[zipfile.ZipInfo], target: Path, name: str, limit: UnpackLimit
) -> None:
    size = sum(member.file_size for member in members)
    limit.check(name, size)
    free = shutil.disk_usage(target).free
    if size > free:
        raise DataError(
            f"{name} needs {size / 1e9:.1f} GB unpacked and {free / 1e9:.1f} GB are free: make room"
        )


def _zips(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.zip") if path.is_file())


def _unpack_inner(folder: Path, name: str, limit: UnpackLimit, depth: int = 1) -> list[KeptZip]:
    """Replace the zips in a folder by their contents, and the zips in those; returns the zips that
    Python cannot open, with paths relative to the folder."""
    kept: list[KeptZip] = []
    for inner in _zips(folder):
        label = f"{name}/{inner.relative_to(folder)}"
        if depth >= _MAX_DEPTH:
            raise DataError(f"{label}: zips are nested more than {_MAX_DEPTH} deep: not unpacked")
        temporary = inner.with_name(f".{uuid4().hex[:8]}")
        temporary.mkdir()
        try:
            _extract(inner, temporary, label, limit)
        except UnreadableError as error:
            temporary.rmdir()
            path, home = inner.relative_to(folder), Path(error.folder).relative_to(folder)
            kept.append(KeptZip(path=str(path), folder=str(home), reason=error.reason))
            continue
        inner.unlink()
        deeper = _unpack_inner(temporary, label, limit, depth + 1)
        parts = sorted(temporary.iterdir())
        same_name = len(parts) == 1 and inner.stem in (parts[0].name, parts[0].stem)
        target = inner.parent if same_name else inner.parent / inner.stem
        if target.exists() and not target.is_dir():
            raise DataError(
                f"{label} needs a folder {inner.stem}, but a file with this name exists: not "
                "unpacked"
            )
        target.mkdir(exist_ok=True)
        for part in parts:
            _move(part, target / part.name, label)
        temporary.rmdir()
        kept += [each.below(target.relative_to(folder)) for each in deeper]
    return kept


def _move(source: Path, target: Path, label: str) -> None:
    """Move a file or a folder; existing folders are merged, existing files are refused."""
    if not target.exists():
        source.rename(target)
    elif source.is_dir() and target.is_dir():
        for part in sorted(source.iterdir()):
            _move(part, target / part.name, label)
        source.rmdir()
    else:
        raise DataError(f"{label} contains '{source.name}', which already exists: not unpacked")
