"""The manifest of a bundle: every file with its size and SHA-256, and an id of them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comp.errors import RunError
from comp.files import read_json, sha256, write_json

MANIFEST = "manifest.json"
REHEARSAL = "rehearsal.json"
"""Written after the manifest, so not in it."""
FORMAT = 1


def write_manifest(folder: Path, run_id: str) -> dict[str, Any]:
    """Write `manifest.json` for all files of a folder; returns its contents."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() not in (MANIFEST, REHEARSAL)
    }
    manifest = {
        "format": FORMAT,
        "id": manifest_id(files),
        "run": run_id,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def manifest_id(files: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 over the sorted names, sizes and hashes: two bundles with one id have equal files."""
    lines = [json.dumps([name, e["bytes"], e["sha256"]]) for name, e in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a bundle; None if the folder is not one."""
    try:
        manifest = read_json(folder / MANIFEST)
        known = manifest["format"] == FORMAT and manifest["id"] == manifest_id(manifest["files"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return dict(manifest) if known else None


def check_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle whose files are as it says.

    Raises:
        RunError: there is none, or a file is missing, changed or new; the message names it.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise RunError(
            f"{folder} is not a bundle: {MANIFEST} is missing or damaged; make it with "
            "'comp bundle RUN'"
        )
    files = manifest["files"]
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            raise RunError(f"{path} is missing: make the bundle again with --force")
        if path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
            raise RunError(f"{path} was changed: make the bundle again with --force")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        extra = path.is_file() and name not in files and name not in (MANIFEST, REHEARSAL)
        if extra and "__pycache__" not in path.parts:
            raise RunError(f"{path} does not belong to the bundle: move it away")
    return manifest
