"""The manifest of a data folder: a list of the files that came from Kaggle."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from comp.files import read_json, sha256, write_json

NAME = ".manifest.json"

OnHashed = Callable[[int, int | None], None]
"""(bytes hashed so far, total bytes) -> None."""


@dataclass(frozen=True, kw_only=True)
class DownloadPart:
    """One download: of the single file `file`, or of all files if `file` is None.

    `name`, `bytes`, `sha256`, `etag` and `modified` describe what Kaggle's storage sent. `fetched`
    is the time of the download, UTC, in ISO format.
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
    """A file that came from Kaggle, directly or in a zip; `part` is the `file` of its download."""

    bytes: int
    sha256: str
    part: str | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The downloads of a data folder, and their files by path below it."""

    reference: str
    parts: tuple[DownloadPart, ...]
    files: Mapping[str, KnownFile]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder, None if it is missing or damaged."""
        try:
            content = read_json(folder / NAME)
            return cls(
                reference=str(content["reference"]),
                parts=tuple(DownloadPart(**part) for part in content["parts"]),
                files={path: KnownFile(**known) for path, known in content["files"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, folder: Path) -> None:
        """Write the manifest into a folder."""
        write_json(folder / NAME, asdict(self))

    def files_of(self, file: str | None) -> dict[str, KnownFile] | None:
        """The files of a download of `file` (None: of everything); None if it is not here, neither
        alone nor as part of a download of everything."""
        if any(part.file == file for part in self.parts):
            return {path: known for path, known in self.files.items() if file in (None, known.part)}
        known = self.files.get(file) if file else None
        return {file: known} if file and known else None

    def merged_with(self, newer: Manifest) -> Manifest:
        """This manifest with the parts and files of a newer one, which replace its own."""
        replaced = {part.file for part in newer.parts}
        files = {path: known for path, known in self.files.items() if known.part not in replaced}
        parts = tuple(part for part in self.parts if part.file not in replaced)
        return Manifest(
            reference=self.reference, parts=(*parts, *newer.parts), files=files | dict(newer.files)
        )


def list_files(folder: Path) -> Iterator[str]:
    """The paths of all files below a folder, without its manifest; a link counts as a file."""
    start = len(str(folder)) + 1
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if _is_link(Path(parent) / name)]
        below = parent[start:].replace(os.sep, "/")
        for name in (*files, *links):
            path = f"{below}/{name}" if below else name
            if path != NAME:
                yield path


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # the folder can be listed but not entered
        return False


def hash_files(folder: Path, part: str | None, on_bytes: OnHashed | None) -> dict[str, KnownFile]:
    """The size and SHA-256 of every file in a new folder."""
    sizes = {path: (folder / path).stat().st_size for path in sorted(list_files(folder))}
    known, done = {}, 0
    for path, size in sizes.items():
        known[path] = KnownFile(bytes=size, sha256=sha256(folder / path), part=part)
        done += size
        if on_bytes:
            on_bytes(done, sum(sizes.values()))
    return known


def describe_change(
    folder: Path, files: Mapping[str, KnownFile], on_bytes: OnHashed | None = None
) -> str:
    """The first file that is missing from a folder or has changed, as a message; "" if there is
    no change.

    Sizes are compared first, then all bytes.
    """
    for name, known in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != known.bytes:
            return f"{name} has {path.stat().st_size:,} bytes instead of {known.bytes:,}"
    total, done = sum(known.bytes for known in files.values()), 0
    for name, known in files.items():
        if sha256(folder / name) != known.sha256:
            return f"{name} has changed: its bytes differ from those of Kaggle"
        done += known.bytes
        if on_bytes:
            on_bytes(done, total)
    return ""
