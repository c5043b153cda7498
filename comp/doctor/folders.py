"""Checks of the folders that comp writes to: the workspace and HOME."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryFile

from comp.doctor.check import Check
from comp.files import nearest_existing, why_not_writable
from comp.workspace import Workspace

LOW_SPACE, ENOUGH_SPACE = 1_000_000_000, 10_000_000_000
"""Bytes of disk space: too few for a run with its images, and enough for most runs."""
SLOW_BYTES_PER_S = 20e6
"""Bytes per second; slower disks delay training at every checkpoint."""
CHUNK, MAX_CHUNKS, MAX_S = 1 << 20, 16, 1.0


def free_disk(workspace: Workspace) -> Check:
    """Check the disk space for runs and image caches."""
    free = shutil.disk_usage(nearest_existing(workspace.out)).free
    words = f"{free / 1e9:,.1f} GB free at {workspace.out}"
    remedy = "use 'comp runs prune' or 'comp cache --clear', or write elsewhere with --out"
    if free < LOW_SPACE:
        return Check("free disk", "problem", words, remedy)
    return Check(
        "free disk", "note" if free < ENOUGH_SPACE else "ok", words, remedy * (free < ENOUGH_SPACE)
    )


def write_speed(workspace: Workspace) -> Check:
    """Check how fast checkpoints can be written and flushed, with an unnamed temporary file."""
    path = nearest_existing(workspace.out)
    try:
        speed = _write_speed(path)
    except OSError as error:
        words = f"cannot write to {path} ({error.strerror})"
        return Check("write speed", "problem", words, "write elsewhere with --out")
    words = f"{speed / 1e6:,.0f} MB/s at {path}"
    if speed < SLOW_BYTES_PER_S:
        return Check("write speed", "note", words, "write to a faster disk with --out")
    return Check("write speed", "ok", words)


def _write_speed(folder: Path) -> float:
    """Bytes per second, with a flush after every MiB."""
    data = os.urandom(CHUNK)
    started = time.perf_counter()
    written = 0
    with TemporaryFile(dir=folder) as stream:
        while written < MAX_CHUNKS * CHUNK and time.perf_counter() - started < MAX_S:
            written += stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    return written / (time.perf_counter() - started)


def folder(workspace: Workspace, name: str) -> Check:
    """Check that `data`, `runs` or `submissions` is writable."""
    path = (workspace.root if name == "data" else workspace.out) / name
    existing = nearest_existing(path)
    if not existing.is_dir():
        return Check(f"{name}/", "problem", f"{existing} is a file", "rename that file")
    if reason := why_not_writable(existing):
        words = f"cannot write to {existing} ({reason})"
        if name == "data":
            remedy = f"unpacked and decoded files are in {workspace.cache}"
            return Check("data/", "note", words, f"{remedy}; 'comp download' needs --out")
        remedy = "change its permissions, or write elsewhere with --out"
        return Check(f"{name}/", "problem", words, remedy)
    state = "is writable" if path.exists() else "does not exist yet and can be created"
    return Check(f"{name}/", "ok", state)


def home() -> Check:
    """Check that HOME, with the caches of weights and fonts, is writable."""
    remedy = "set HOME to a writable folder, or set HF_HOME, TORCH_HOME and MPLCONFIGDIR"
    try:
        path = Path.home()
    except RuntimeError:
        return Check("HOME", "problem", "is not set", remedy)
    reason = why_not_writable(path) if path.is_dir() else "it is not a folder"
    if reason:
        return Check("HOME", "problem", f"cannot write to {path} ({reason})", remedy)
    return Check("HOME", "ok", str(path))
