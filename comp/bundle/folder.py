"""The folder of a bundle: made aside and renamed, so that a killed process leaves nothing half."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from comp.bundle.manifest import read_manifest
from comp.errors import RunError
from comp.files import make_folder, write_error


def check_target(target: Path, force: bool) -> None:
    """Check that a bundle can be written to a folder.

    Raises:
        RunError: it exists, and is not an older bundle that `force` replaces.
    """
    _finish(target)
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir() or read_manifest(target) is None:
        raise RunError(f"{target} exists and is not a bundle: give a new folder with --out")
    if not force:
        raise RunError(
            f"{target} exists: replace this bundle with --force, or give a new folder with --out"
        )


@contextmanager
def new_bundle(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target`, which it replaces on success.

    Raises:
        DiskError: it cannot be written.
    """
    make_folder(target.parent, parents=True)
    staging = target.with_name(f".{target.name}.{os.getpid()}-{uuid4().hex[:8]}.part")
    try:
        make_folder(staging)
        yield staging
        try:
            if target.exists():
                target.rename(_old(target))
            staging.rename(target)
        except OSError as error:
            raise write_error(target, error) from error
        _finish(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.replaced")


def _finish(target: Path) -> None:
    """Complete a replacement that was killed, and remove what killed processes left."""
    old = _old(target)
    if old.is_dir() and target.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.is_dir():
        old.rename(target)
    pattern = re.compile(re.escape(f".{target.name}.") + r"(\d+)-[0-9a-f]{8}\.part")
    for path in target.parent.iterdir() if target.parent.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match and not _runs(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
