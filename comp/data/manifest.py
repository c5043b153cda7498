"""What a folder of data holds from Kaggle: the manifest in it, which alone says what is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from comp.files import read_json, sha256, write_json

NAME = ".manifest.json"

OnBytes = Callable[[int, int | None], None]
"""(bytes read so far, bytes in all) -> None."""


@dataclass(frozen=True, kw_only=True)
class DownloadPart:
    """One download: all files where `file` is None, else the one that was asked for.

    `name`, `bytes`, `sha256`, `etag` and `modified` are those of what Kaggle's storage served, and
    `fetched` is when, UTC, in ISO format.
    """

    file: str | None
    name: str
    bytes: int
    sha256: str
    etag: str
    modified: str
    fetched: str


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file that came from Kaggle, by itself or out of a zip; `part` is the `file` of its part."""

    bytes: int
    sha256: str
    part: str | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What came from Kaggle into a folder: in which parts, and which files, by path in it."""

    reference: str
    parts: tuple[DownloadPart, ...]
    files: Mapping[str, KnownFile]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder, None where there is none that can be read."""
        try:
            held = read_json(folder / NAME)
            return cls(
                reference=str(held["reference"]),
                parts=tuple(DownloadPart(**part) for part in held["parts"]),
                files={path: KnownFile(**known) for path, known in held["files"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        write_json(folder / NAME, asdict(self))

    def of(self, file: str | None) -> dict[str, KnownFile] | None:
        """The files that a download of `file` would give: all for None; None where it, or a
        download of all, was never made."""
        if any(part.file == file for part in self.parts):
            return {path: known for path, known in self.files.items() if file in (None, known.part)}
        known = self.files.get(file) if file else None
        return {file: known} if file and known else None

    def joined(self, other: Manifest) -> Manifest:
        """This manifest with the parts and files of another one, which go before its own."""
        new = {part.file for part in other.parts}
        old = {path: known for path, known in self.files.items() if known.part not in new}
        kept = tuple(part for part in self.parts if part.file not in new)
        return Manifest(
            reference=self.reference, parts=(*kept, *other.parts), files=old | dict(other.files)
        )


def entries(folder: Path) -> Iterator[str]:
    """The paths of all files in a folder, but for its manifest; a link counts as a file."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if _is_link(Path(place) / name)]
        for name in (*files, *links):
            path = (Path(place) / name).relative_to(folder).as_posix()
            if path != NAME:
                yield path


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # its folder may be listed and no more
        return False


def known_files(folder: Path, part: str | None, on_bytes: OnBytes | None) -> dict[str, KnownFile]:
    """Sizes and SHA-256 of all files in a folder that was just unpacked."""
    sizes = {path: (folder / path).stat().st_size for path in sorted(entries(folder))}
    found, done = {}, 0
    for path, size in sizes.items():
        found[path] = KnownFile(bytes=size, sha256=sha256(folder / path), part=part)
        done += size
        if on_bytes:
            on_bytes(done, sum(sizes.values()))
    return found


def changed_files(
    folder: Path, files: Mapping[str, KnownFile], on_bytes: OnBytes | None = None
) -> str:
    """In words what is missing from a folder or has changed there, "" where nothing is.

    Sizes are compared first, then every byte.
    """
    for path, known in files.items():
        place = folder / path
        if not place.is_file():
            return f"{path} is missing"
        if place.stat().st_size != known.bytes:
            return f"{path} has {place.stat().st_size:,} bytes instead of {known.bytes:,}"
    total, done = sum(known.bytes for known in files.values()), 0
    for path, known in files.items():
        if sha256(folder / path) != known.sha256:
            return f"{path} has changed: it has other bytes than came from Kaggle"
        done += known.bytes
        if on_bytes:
            on_bytes(done, total)
    return ""
