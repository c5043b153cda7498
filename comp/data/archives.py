"""Zip archives as Kaggle serves them, zips within zips, unpacked once and safely.

An archive is unpacked into a cache folder that is named after its table of contents, aside and then
renamed, so that a broken unpacking leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from uuid import uuid4

from comp.errors import DataError
from comp.files import new_folder

_MAX_RATIO = 200
_SMALL = 1_000_000_000
_MAX_DEPTH = 4
_RUBBISH = ("__MACOSX", ".DS_Store")


def unpack(archive: Path, cache: Path) -> Path:
    """Return the folder with the contents of `archive`, unpacked under `cache` on first use.

    Zips inside are unpacked beside themselves, into a folder of their name where their members do
    not already stand in one, and removed.

    Raises:
        DataError: when it is no zip, is damaged, or holds a member that must not be written.
    """
    target = cache / f"{archive.stem}-{_contents_hash(archive)}"
    with new_folder(target) as aside:
        if aside:
            _extract(archive, aside, name=archive.name)
            _unpack_inner(aside, archive.name, depth=1)
    return target


def unpack_folder(folder: Path, cache: Path) -> Path:
    """Return a folder with the files of `folder` and, instead of its zips, what they hold.

    For data that was fetched as several zips, or unpacked only halfway.

    Raises:
        DataError: as `unpack` does.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    zips = [path for path in files if path.suffix == ".zip"]
    names = hashlib.sha256("|".join(_contents_hash(path) for path in zips).encode())
    target = cache / f"{folder.name}-{names.hexdigest()[:12]}"
    with new_folder(target) as aside:
        if aside:
            for path in files:
                shutil.copy2(path, aside / path.name)
            _unpack_inner(aside, folder.name, depth=1)
    return target


def _contents_hash(archive: Path) -> str:
    """A short hash of the names, sizes and CRCs in the archive's table of contents."""
    with _open(archive, archive.name) as zipped:
        lines = [f"{m.filename}|{m.file_size}|{m.CRC}" for m in zipped.infolist()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _open(archive: Path, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise DataError(f"{name} is not a zip archive, or is cut short: fetch it again") from None
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def _extract(archive: Path, target: Path, name: str) -> None:
    with _open(archive, name) as zipped:
        members = [
            m
            for m in zipped.infolist()
            if m.filename not in (".", "./") and not set(_RUBBISH) & set(_parts(m))
        ]
        _refuse_unsafe(members, name)
        _refuse_too_big(members, archive, target, name)
        for member in members:
            member.filename = "/".join(_parts(member)) + "/" * member.filename.endswith(("/", "\\"))
            try:
                zipped.extract(member, target)
            except OSError as error:
                raise DataError(
                    f"cannot unpack '{member.filename}' of {name}: {error.strerror}"
                ) from None
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
                raise DataError(
                    f"{name} is damaged at '{member.filename}': fetch it again"
                ) from None


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _refuse_unsafe(members: list[zipfile.ZipInfo], name: str) -> None:
    seen: dict[str, str] = {}
    for member in members:
        parts = _parts(member)
        outside = not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]
        if outside or stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{name} holds '{member.filename}', which points outside: not unpacked")
        path = "/".join(parts).casefold()
        if path in seen and not member.is_dir():
            raise DataError(
                f"{name} holds '{seen[path]}' and '{member.filename}', which are one file on some "
                "machines: not unpacked"
            )
        seen[path] = member.filename


def _refuse_too_big(members: list[zipfile.ZipInfo], archive: Path, target: Path, name: str) -> None:
    size = sum(member.file_size for member in members)
    if size > _SMALL and size > _MAX_RATIO * archive.stat().st_size:
        raise DataError(
            f"{name} would grow to {size / 1e9:.1f} GB: not unpacked, it looks like a bomb"
        )
    free = shutil.disk_usage(target).free
    if size > free:
        raise DataError(
            f"{name} needs {size / 1e9:.1f} GB unpacked and {free / 1e9:.1f} GB are free: make room"
        )


def _unpack_inner(folder: Path, name: str, depth: int) -> None:
    for inner in sorted(folder.rglob("*.zip")):
        label = f"{name}/{inner.relative_to(folder)}"
        if depth >= _MAX_DEPTH:
            raise DataError(f"{label}: zips are nested more than {_MAX_DEPTH} deep: not unpacked")
        scratch = inner.with_name(f".{inner.stem}.{uuid4().hex[:8]}")
        scratch.mkdir()
        _extract(inner, scratch, label)
        inner.unlink()
        _unpack_inner(scratch, label, depth + 1)
        parts = sorted(scratch.iterdir())
        alone = len(parts) == 1 and inner.stem in (parts[0].name, parts[0].stem)
        place = inner.parent if alone else inner.parent / inner.stem
        place.mkdir(exist_ok=True)
        for part in parts:
            _move(part, place / part.name, label)
        scratch.rmdir()


def _move(source: Path, target: Path, label: str) -> None:
    """Move a file or a folder; folders that exist are joined, files that exist are refused."""
    if not target.exists():
        source.rename(target)
    elif source.is_dir() and target.is_dir():
        for part in sorted(source.iterdir()):
            _move(part, target / part.name, label)
        source.rmdir()
    else:
        raise DataError(f"{label} holds '{source.name}', which is there already: not unpacked")
