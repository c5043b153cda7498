"""Replace a data folder completely or not at all, and keep the user's own files.

A replacement has three steps: rename the old folder, rename the new folder to its final path, and
move the files that did not come from Kaggle from the old folder to the new one. An interrupted
replacement is completed at the next call of `finish_replacement`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from comp.data.manifest import Manifest, list_files
from comp.errors import DataError
from comp.files import sha256


@contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder next to `folder`; it is removed at the end if it still exists."""
    staging = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def refuse_conflicts(new: Path, folder: Path, force: bool) -> None:
    """Check that the user's own files in `folder` can stay when `new` replaces it.

    Raises:
        DataError: a new file has the same name and other bytes (unless `force`), or a file has the
            name of a new folder.
    """
    manifest = Manifest.read(folder)
    new_files = set(list_files(new))
    for path in list_files(folder) if folder.is_dir() else ():
        if manifest and path in manifest.files:
            continue
        parents = [parent.as_posix() for parent in Path(path).parents]
        if (new / path).is_dir() or new_files.intersection(parents):
            raise DataError(
                f"{folder / path} did not come from Kaggle and blocks a new file or folder: "
                "move it away"
            )
        if path in new_files and not force and _differ(new / path, folder / path):
            raise DataError(
                f"{folder / path} did not come from Kaggle, which has another file with this name: "
                "move it away, or replace it with --force"
            )


def _differ(first: Path, second: Path) -> bool:
    if not second.is_file() or first.stat().st_size != second.stat().st_size:
        return True
    return sha256(first) != sha256(second)


def replace_folder(new: Path, folder: Path) -> None:
    """Rename the complete folder `new` to `folder`; the user's own files there stay."""
    if folder.exists():
        folder.rename(_old_folder(folder))
    new.rename(folder)
    finish_replacement(folder)


def finish_replacement(folder: Path) -> None:
    """Complete an interrupted replacement, and remove staging folders of killed processes.

    No other process may use the folder meanwhile.
    """
    _remove_staging_folders(folder)
    old = _old_folder(folder)
    if not old.is_dir():
        return
    if not folder.exists():
        old.rename(folder)
        return
    manifest = Manifest.read(old)
    for path in list(list_files(old)):
        target = folder / path
        if (manifest and path in manifest.files) or target.exists() or target.is_symlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        (old / path).rename(target)
    shutil.rmtree(old)


def merge_folder(new: Path, folder: Path) -> None:
    """Move the files of `new` into an existing folder, one by one, and merge the manifests."""
    new_manifest = Manifest.read(new)
    manifest = Manifest.read(folder)
    for path in list_files(new):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (new / path).replace(target)
    if new_manifest:
        (manifest.merged_with(new_manifest) if manifest else new_manifest).write(folder)


def _old_folder(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


def _remove_staging_folders(folder: Path) -> None:
    pattern = re.compile(re.escape(f".{folder.name}.") + r"[0-9a-f]{8}\.part")
    if folder.parent.is_dir():
        for path in folder.parent.iterdir():
            if pattern.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
