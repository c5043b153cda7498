"""Where the data of a run comes from: a folder, a zip, or a drawn sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp import __version__
from comp.contract.competition import Competition, Sample
from comp.data.archives import unpack, unpack_folder
from comp.data.images.eviction import sweep
from comp.errors import ConfigError, DataError, DiskError
from comp.files import is_text, new_folder
from comp.workspace import Workspace

SYNTHETIC_SEED = 0


@dataclass(frozen=True)
class Source:
    """A folder in a competition's layout; `sample` when it was drawn and not fetched."""

    root: Path
    synthetic: bool


def locate(
    competition: Competition, workspace: Workspace, data: Path | None, synthetic: bool
) -> Source:
    """Find the data of a competition: `data` if given, else the workspace's, else a drawn sample.

    Raises:
        ConfigError: when both `data` and `sample` are given.
        DataError: when `data` does not exist, is no zip, or has not the competition's layout.
    """
    if synthetic and data:
        raise ConfigError(f"both sample data and --data {data} are asked for: give one of them")
    sweep(workspace.cache)
    if synthetic or (data is None and not workspace.has_data(competition.name)):
        return Source(_text(cached_synthetic_data(competition, workspace)), True)
    place = data or workspace.data(competition.name)
    return Source(root_of(competition, place, workspace).resolve(), False)


def root_of(competition: Competition, place: Path, workspace: Workspace) -> Path:
    """Return the folder with the competition's layout in a folder, a zip, or a folder of zips.

    Raises:
        DataError: naming what is missing.
    """
    folder = open_place(place, workspace)
    with _read(place):
        try:
            return find_root(competition, folder)
        except DataError:
            if place.is_file() or not any(folder.glob("*.zip")):
                raise
        return find_root(competition, unpack_folder(folder, workspace.cache))


def open_place(place: Path, workspace: Workspace) -> Path:
    """Return a folder: the place itself, or what its zip holds.

    Raises:
        DataError: when there is nothing there, or its path is no text.
    """
    with _read(place):
        if place.is_file():
            return unpack(_text(place), workspace.cache)
        if not place.is_dir():
            raise DataError(f"no data at {place}: give a folder or the zip that Kaggle serves")
        return _text(place)


@contextmanager
def _read(place: Path) -> Iterator[None]:
    """Say so in one line where a place may not be read."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot read {error.filename or place}: {error.strerror}; change its permissions"
        ) from None


def _text(place: Path) -> Path:
    """A place whose path can be written down, as records and tables of data do."""
    if not is_text(place.resolve()):
        raise DataError(f"{str(place.resolve())!a} is no UTF-8: rename it, or name other data")
    return place


def find_root(competition: Competition, folder: Path) -> Path:
    """Return the shallowest folder, at most three levels down, that has the competition's layout.

    Raises:
        DataError: naming what is missing.
    """
    levels: list[Path] = [folder]
    for _ in range(4):
        for place in levels:
            if all((place / name).exists() for name in competition.layout):
                return _text(place)
        levels = [p for level in levels for p in _folders(level)]
    missing = [name for name in competition.layout if not (folder / name).exists()]
    raise DataError(
        f"{folder} is not the data of {competition.name}: {', '.join(missing)} not found; "
        "give --data the folder or zip that holds them, or --sample for drawn data"
    )


def _folders(place: Path) -> list[Path]:
    """The folders in a folder, none where it may not be read."""
    try:
        return sorted(
            path
            for path in place.iterdir()
            if path.is_dir() and not path.name.startswith((".", "__"))
        )
    except OSError:
        return []


def cached_synthetic_data(competition: Competition, workspace: Workspace) -> Path:
    """Return the drawn sample data, drawing it on first use.

    Raises:
        DiskError: when it cannot be written.
    """
    target = workspace.cache / f"{competition.name}-sample-{__version__}"
    try:
        _draw(competition, target)
    except OSError as error:
        raise DiskError(
            f"cannot draw sample data in {target.parent}: {error.strerror or error}; make room "
            "there, or work in a folder that can be written to"
        ) from None
    return target


def draw_synthetic_data(competition: Competition, target: Path) -> None:
    """Draw a competition's sample data into `target`, the same every time.

    Raises:
        DataError: when there is anything at `target`, or it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is not empty: name a new folder")
    target = target.absolute()
    try:
        if target.is_dir():
            target.rmdir()
        _draw(competition, target)
    except OSError as error:
        raise DataError(
            f"cannot write to {target}: {error.strerror}; name another folder"
        ) from None


def _draw(competition: Competition, target: Path) -> None:
    with new_folder(target) as aside:
        if aside:
            competition.draw_synthetic(aside, np.random.default_rng(SYNTHETIC_SEED))


def fingerprint(samples: Sequence[Sample]) -> str:
    """A SHA-256 over ids, labels and the bytes of every file that the samples name."""
    total = hashlib.sha256()
    for sample in samples:
        target = "" if isinstance(sample.target, Path) else repr(sample.target)
        total.update(f"{sample.id}|{sample.group}|{sample.stratum}|{target}\n".encode())
        for path in (sample.image, sample.target):
            if isinstance(path, Path):
                with path.open("rb") as stream:
                    total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
