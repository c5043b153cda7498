"""Find the data of a run: a folder, a zip, or synthetic data."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp import __version__
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.file_names import wrong_file_name
from comp.data.archives import unpack, unpack_folder
from comp.data.images.eviction import remove_partial_folders
from comp.data.listing import contains, entries
from comp.data.missing_files import can_unpack, why_missing
from comp.errors import ConfigError, DataError, DiskError
from comp.files import is_text, new_folder
from comp.streams import print_to_stderr
from comp.workspace import Workspace

SYNTHETIC_SEED = 0


@dataclass(frozen=True)
class DataSource:
    """A folder in the layout of a competition; `synthetic` if its content is drawn."""

    root: Path
    synthetic: bool


class SeveralRootsError(DataError):
    """Several folders have the layout of a competition, and nothing says which one is meant."""


def locate_data(
    competition: Competition, workspace: Workspace, data: Path | None, synthetic: bool
) -> DataSource:
    """Find the data of a competition: `data` if given, else the workspace's, else synthetic data.

    Raises:
        ConfigError: both `data` and `synthetic` are given.
        DataError: `data` does not exist, is not a zip, or does not have the competition's layout.
    """
    if synthetic and data:
        raise ConfigError(f"--sample and --data {data} exclude each other: give one of them")
    remove_partial_folders(workspace.cache)
    if synthetic or (data is None and not workspace.has_data(competition.name)):
        folder = cached_synthetic_data(competition, workspace)
        return DataSource(_require_text_path(folder), True)
    path = data or workspace.data(competition.name)
    return DataSource(open_data(competition, path, workspace).resolve(), False)


def open_data(competition: Competition, path: Path, workspace: Workspace) -> Path:
    """Return the folder with the competition's layout in a folder, a zip, or a folder of zips.

    Raises:
        DataError: the path does not exist, or files of the layout are missing.
        SeveralRootsError: as `find_root`.
    """
    folder = open_folder(path, workspace)
    with _readable(path):
        try:
            return find_root(competition, folder)
        except SeveralRootsError:
            raise
        except DataError:
            if path.is_file() or not any(map(can_unpack, folder.glob("*.zip"))):
                raise
        return find_root(competition, unpack_folder(folder, workspace.cache))


def open_folder(path: Path, workspace: Workspace) -> Path:
    """Return the folder at `path`, or the folder with the content of the zip at `path`.

    Raises:
        DataError: the path does not exist, or is not UTF-8.
    """
    with _readable(path):
        if path.is_file():
            return unpack(_require_text_path(path), workspace.cache)
        if not path.is_dir():
            raise DataError(f"no data at {path}: give a folder, or the zip from Kaggle")
        return _require_text_path(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn an OSError into a DataError of one line."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot read {error.filename or path}: {error.strerror}; change its permissions"
        ) from None


def _require_text_path(path: Path) -> Path:
    """The path, if it is UTF-8: records and tables contain it as text."""
    if not is_text(path.resolve()):
        raise DataError(
            f"the path {str(path.resolve())!a} is not UTF-8: rename it, or give another"
        )
    return path


def find_root(competition: Competition, folder: Path) -> Path:
    """Return the topmost folder with the competition's layout, at most three levels down.

    What is in this folder is not looked at, such as a second copy of the data. Of several that are
    equally deep and have the same files it is the first; a line on stderr says so.

    Raises:
        DataError: files of the layout are missing.
        SeveralRootsError: several folders that are equally deep have the layout, and other files.
    """
    level: list[Path] = [folder]
    counts: dict[Path, int] = {}
    for _ in range(4):
        for candidate in level:
            counts[candidate] = sum(contains(candidate, name) for name in competition.layout)
        found = [path for path in level if counts[path] == len(competition.layout)]
        if found:
            return _require_text_path(_only(found, competition, folder))
        level = [path for parent in level for path in _folders(parent)]
    nearest = max(counts, key=counts.__getitem__)  # the topmost of those
    missing = [name for name in competition.layout if not contains(nearest, name)]
    why = why_missing(nearest, folder, missing) or wrong_file_name(competition, missing, nearest)
    raise DataError(why or _not_the_data(competition, folder, nearest, missing))


def _only(found: Sequence[Path], competition: Competition, folder: Path) -> Path:
    """The first of the folders with the layout, if the others are links to it or copies of it."""
    real = {path.resolve(): path for path in reversed(found)}  # the first path of each folder
    first, *others = [path for path in found if real[path.resolve()] == path]
    different = [path for path in others if not _same_files(first, path)]
    shown = ", ".join(str(path.relative_to(folder)) for path in [first, *(different or others)][:5])
    if different:
        raise SeveralRootsError(
            f"{len(different) + 1} folders in {folder} have the layout of {competition.name} "
            f"({shown}), and their files differ: give the path of one of them"
        )
    if others:
        print_to_stderr(
            f"{len(others) + 1} folders in {folder} have the same files ({shown}): "
            f"{first.name} is read"
        )
    return first


def _same_files(first: Path, second: Path) -> bool:
    """Whether two folders have the same visible files, byte by byte."""
    names = _files(first)
    return names == _files(second) and all(
        filecmp.cmp(first / name, second / name, shallow=False) for name in names
    )


def _files(folder: Path) -> dict[str, int]:
    """The size of each visible file below a folder, by its path in it. A link to a folder counts as
    a file, so that it equals no other."""
    sizes = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in [*files, *links]:
            path = Path(parent, name)
            if not name.startswith(".") and path.exists():  # else a link to nothing
                sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
    return sizes


def _not_the_data(
    competition: Competition, folder: Path, nearest: Path, missing: Sequence[str]
) -> str:
    """The message that a folder does not have the layout. If `nearest`, which is this folder or one
    inside, has a part of it, the plugin may be wrong too."""
    advice = "give --data a folder or zip with these names, or --sample for synthetic data"
    names = ", ".join(missing)
    if len(missing) < len(competition.layout):
        arguments = {name: competition.file_arguments.get(name) for name in missing}
        names = ", ".join(f"{n} ({a} in the plugin)" if a else n for n, a in arguments.items())
        inside = f" in {nearest.relative_to(folder)}" * (nearest != folder)
        names += f" not found{inside}, only {entries(nearest)}"
        advice += ", or correct the plugin"
    else:
        names += " not found"
    return f"{folder} is not the data of {competition.name}: {names}; {advice}"


def _folders(parent: Path) -> list[Path]:
    """The visible folders in a folder, none if it cannot be read."""
    try:
        return sorted(
            path
            for path in parent.iterdir()
            if path.is_dir() and not path.name.startswith((".", "__"))
        )
    except OSError:
        return []


def cached_synthetic_data(competition: Competition, workspace: Workspace) -> Path:
    """Return the folder of the synthetic data, which is drawn at the first use, and again after a
    change of the plugin.

    Raises:
        DiskError: the data cannot be written.
    """
    source = registry.source_hash(competition.name)[:8]
    name = "-".join(filter(None, [competition.name, "sample", __version__, source]))
    target = workspace.cache / name
    try:
        _draw(competition, target)
    except OSError as error:
        raise DiskError(
            f"cannot write synthetic data to {target.parent}: {error.strerror or error}; make "
            "room there, or use a writable working folder"
        ) from None
    return target


def draw_synthetic_data(competition: Competition, target: Path) -> None:
    """Draw a competition's synthetic data into `target`; the result is always the same.

    Raises:
        DataError: `target` is not an empty folder, or cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is not empty: give a new folder")
    target = target.absolute()
    try:
        if target.is_dir():
            target.rmdir()
        _draw(competition, target)
    except OSError as error:
        raise DataError(
            f"cannot write to {target}: {error.strerror}; give another folder"
        ) from None


def _draw(competition: Competition, target: Path) -> None:
    with new_folder(target) as folder:
        if folder:
            competition.draw_synthetic(folder, np.random.default_rng(SYNTHETIC_SEED))
