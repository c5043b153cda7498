"""Zip archives as Kaggle serves them, zips within zips, unpacked once and safely.

An archive is unpacked into a cache folder that is named after its table of contents, aside and then
renamed, so that a broken unpacking leaves nothing behind. Whatever could write outside that folder,
or grow without end, is refused before it is written.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from uuid import uuid4

from comp.errors import DataError, DiskError
from comp.files import new_folder

_MAX_RATIO = 200
_SMALL = 1_000_000_000
_MAX_DEPTH = 4
_RUBBISH = ("__MACOSX", ".DS_Store")
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

OnBytes = Callable[[int], None]
"""(bytes written so far, over all depths) -> None."""


class DamagedError(DataError):
    """An archive that is cut short or corrupt: what is needed is another copy of it."""


class UnpackLimit:
    """What an archive has grown to so far, over all depths, and how far it may go.

    Args:
        packed: size of the outermost archive, in bytes; 200 times as much may come of it, or 1 GB.
        on_bytes: told whenever something was written.
    """

    def __init__(self, packed: int, on_bytes: OnBytes | None = None) -> None:
        self.written = 0
        self._limit = max(_SMALL, _MAX_RATIO * packed)
        self._on_bytes = on_bytes

    def check(self, name: str, more: int) -> None:
        """Refuse an archive of which `more` bytes would come in addition.

        Raises:
            DataError: naming the size that it would grow to.
        """
        if self.written + more > self._limit:
            raise DataError(
                f"{name} would grow to {(self.written + more) / 1e9:.1f} GB: not unpacked, it "
                "looks like a bomb"
            )

    def add(self, name: str, count: int) -> None:
        """Count bytes that were really written; raises as `check` does."""
        self.check(name, count)
        self.written += count
        if self._on_bytes:
            self._on_bytes(self.written)


def unpack(archive: Path, cache: Path) -> Path:
    """Return the folder with the contents of `archive`, unpacked under `cache` on first use.

    Zips inside are unpacked beside themselves, into a folder of their name where their members do
    not already stand in one, and removed.

    Raises:
        DamagedError: when it is no zip, or is damaged.
        DataError: when it holds a member that must not be written, or does not fit on the disk.
        DiskError: when nothing can be written under `cache`.
    """
    target = cache / f"{archive.stem}-{_contents_hash(archive)}"
    with _unpacked(target, archive.name) as aside:
        if aside:
            unpack_into(archive, aside, archive.name)
    return target


def unpack_into(archive: Path, folder: Path, name: str, on_bytes: OnBytes | None = None) -> None:
    """Unpack `archive`, called `name` in messages, into an empty folder, as `unpack` does.

    What is there after an error is not to be used; it stands in the folder and nowhere else.
    """
    growth = UnpackLimit(archive.stat().st_size, on_bytes)
    _extract(archive, folder, name, growth)
    _unpack_inner(folder, name, 1, growth)


def unpack_inside(folder: Path, name: str, on_bytes: OnBytes | None = None) -> None:
    """Put in the place of the zips in a folder, called `name` in messages, what they hold."""
    packed = sum(path.stat().st_size for path in _zips(folder))
    _unpack_inner(folder, name, 1, UnpackLimit(packed, on_bytes))


def unpack_folder(folder: Path, cache: Path) -> Path:
    """Return a folder with the files of `folder` and, instead of its zips, what they hold.

    For data that was fetched as several zips, or unpacked only halfway. Raises as `unpack` does.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    zips = [path for path in files if path.suffix == ".zip"]
    names = hashlib.sha256("|".join(_contents_hash(path) for path in zips).encode())
    target = cache / f"{folder.name}-{names.hexdigest()[:12]}"
    with _unpacked(target, folder.name) as aside:
        if aside:
            for path in files:
                shutil.copy2(path, aside / path.name)
            growth = UnpackLimit(sum(path.stat().st_size for path in zips))
            _unpack_inner(aside, folder.name, 1, growth)
    return target


@contextmanager
def _unpacked(target: Path, name: str) -> Iterator[Path | None]:
    """A new folder for what `name` holds, as `new_folder` yields it.

    Raises:
        DiskError: when it cannot be made or filled.
    """
    try:
        with new_folder(target) as aside:
            yield aside
    except OSError as error:
        raise DiskError(
            f"cannot unpack {name} into {target.parent}: {error.strerror or error}; make room "
            "there, or work in a folder that can be written to"
        ) from None


def _contents_hash(archive: Path) -> str:
    """A short hash of the names, sizes and CRCs in the archive's table of contents."""
    with _open(archive, archive.name) as zipped:
        lines = [f"{m.filename}|{m.file_size}|{m.CRC}" for m in zipped.infolist()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _open(archive: Path, name: str) -> zipfile.ZipFile:
    """Open a zip. Of one that was cut short, `zipfile` would find the table of contents of the last
    zip inside and take that for the whole: its members do not begin where the file does."""
    damaged = DamagedError(f"{name} is not a zip archive, or is cut short: fetch it again")
    try:
        zipped = zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise damaged from None
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None
    if min((m.header_offset for m in zipped.infolist()), default=zipped.start_dir):
        zipped.close()
        raise damaged
    return zipped


def _extract(archive: Path, target: Path, name: str, growth: UnpackLimit) -> None:
    with _open(archive, name) as zipped:
        members = [
            m
            for m in zipped.infolist()
            if m.filename not in (".", "./") and not set(_RUBBISH) & set(_parts(m))
        ]
        _refuse_unsafe(members, name)
        _refuse_too_big(members, target, name, growth)
        for member in members:
            try:
                _write(zipped, member, target.joinpath(*_parts(member)), name, growth)
            except OSError as error:
                raise DataError(
                    f"cannot unpack '{member.filename}' of {name}: {error.strerror}"
                ) from None
            except _BROKEN:
                raise DamagedError(
                    f"{name} is damaged at '{member.filename}': fetch it again"
                ) from None


def _write(
    zipped: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, name: str, growth: UnpackLimit
) -> None:
    """Write one member; what comes is counted, whatever the table of contents says."""
    if _is_folder(member):
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipped.open(member) as packed, path.open("xb") as stream:
        while data := packed.read(_CHUNK):
            growth.add(name, len(data))
            stream.write(data)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith(("/", "\\"))


def _refuse_unsafe(members: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse names that lead outside, what is neither file nor folder, and names that collide."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in members:
        parts, kind = _parts(member), stat.S_IFMT(member.external_attr >> 16)
        outside = not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]
        if outside or kind == stat.S_IFLNK:
            raise DataError(f"{name} holds '{member.filename}', which points outside: not unpacked")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(
                f"{name} holds '{member.filename}', which is neither a file nor a folder: not "
                "unpacked"
            )
        # Some machines hold two spellings of a letter, or both of its cases, for one.
        spelled = [unicodedata.normalize("NFC", part).casefold() for part in parts]
        above = ["/".join(spelled[:depth]) for depth in range(1, len(spelled))]
        folders |= {path: member.filename for path in above if path not in folders}
        path = "/".join(spelled)
        held = folders if _is_folder(member) else files
        if path in files and held is files:
            raise DataError(
                f"{name} holds '{files[path]}' and '{member.filename}', which are one file on some "
                "machines: not unpacked"
            )
        held[path] = member.filename
    for path in sorted(files.keys() & folders.keys()):
        raise DataError(
            f"{name} holds '{files[path]}' as a file, and as a folder with '{folders[path]}': not "
            "unpacked"
        )


def _refuse_too_big(
    members: list[zipfile.ZipInfo], target: Path, name: str, growth: UnpackLimit
) -> None:
    size = sum(member.file_size for member in members)
    growth.check(name, size)
    free = shutil.disk_usage(target).free
    if size > free:
        raise DataError(
            f"{name} needs {size / 1e9:.1f} GB unpacked and {free / 1e9:.1f} GB are free: make room"
        )


def _zips(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.zip") if path.is_file())


def _unpack_inner(folder: Path, name: str, depth: int, growth: UnpackLimit) -> None:
    for inner in _zips(folder):
        label = f"{name}/{inner.relative_to(folder)}"
        if depth >= _MAX_DEPTH:
            raise DataError(f"{label}: zips are nested more than {_MAX_DEPTH} deep: not unpacked")
        scratch = inner.with_name(f".{uuid4().hex[:8]}")
        scratch.mkdir()
        _extract(inner, scratch, label, growth)
        inner.unlink()
        _unpack_inner(scratch, label, depth + 1, growth)
        parts = sorted(scratch.iterdir())
        alone = len(parts) == 1 and inner.stem in (parts[0].name, parts[0].stem)
        place = inner.parent if alone else inner.parent / inner.stem
        if place.exists() and not place.is_dir():
            raise DataError(
                f"{label} needs a folder {inner.stem}, and a file of that name is there already: "
                "not unpacked"
            )
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
