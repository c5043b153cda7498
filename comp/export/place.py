"""The folder of an export: written aside, complete or not there, with a manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from comp.errors import RunError
from comp.files import make_folder, sha256, write_error, write_json

DESCRIPTION, MANIFEST, CARD = "model.json", "manifest.json", "README.md"


def check_place(folder: Path, force: bool) -> None:
    """Check that a folder can be written, before any work.

    Raises:
        RunError: it exists, and `force` is false or it is not an earlier export.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    is_export = all((folder / name).is_file() for name in (DESCRIPTION, MANIFEST))
    if not is_export:
        raise RunError(f"{folder} exists and is not an export: give another folder with --out")
    if not force:
        raise RunError(f"{folder} is an earlier export: --force replaces it, or use --out")


@contextmanager
def new_place(folder: Path) -> Iterator[Path]:
    """Yield a new folder that becomes `folder` on success, and replaces what is there.

    Raises:
        DiskError: it cannot be written.
    """
    aside = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    try:
        make_folder(aside, parents=True)
        yield aside
        _replace(aside, folder)
    except OSError as error:
        raise write_error(folder, error) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace(new: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_manifest(folder: Path, run_id: str) -> None:
    """Write manifest.json: bytes and SHA-256 of every other file, and an id of them all."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    text = json.dumps(files, sort_keys=True)
    manifest = {
        "format": 1,
        "id": hashlib.sha256(text.encode()).hexdigest(),
        "files": files,
        "run": run_id,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(folder / MANIFEST, manifest)
