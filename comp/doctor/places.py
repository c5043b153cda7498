"""Checks of the places that are written to: the workspace and HOME."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryFile

from comp.doctor.check import Check
from comp.files import nearest, refusal
from comp.workspace import Workspace

LITTLE_ROOM, ROOM = 1_000_000_000, 10_000_000_000
"""Bytes that are too few for a run with its images, and enough for most."""
SLOW = 20e6
"""Bytes a second; below, checkpoints hold the training up."""
CHUNK, MOST_CHUNKS, MOST_S = 1 << 20, 16, 1.0


def free_disk(workspace: Workspace) -> Check:
    """Room for runs and image caches."""
    free = shutil.disk_usage(nearest(workspace.out)).free
    words = f"{free / 1e9:,.1f} GB free at {workspace.out}"
    remedy = "make room ('comp runs prune', 'comp cache --clear'), or write elsewhere with --out"
    if free < LITTLE_ROOM:
        return Check("free disk", "problem", words, remedy)
    return Check("free disk", "note" if free < ROOM else "ok", words, remedy * (free < ROOM))


def write_speed(workspace: Workspace) -> Check:
    """How fast checkpoints can be written and flushed; the file has no name and leaves nothing."""
    place = nearest(workspace.out)
    try:
        speed = _written(place)
    except OSError as error:
        words = f"nothing can be written to {place} ({error.strerror})"
        return Check("write speed", "problem", words, "write elsewhere with --out")
    words = f"{speed / 1e6:,.0f} MB/s at {place}"
    if speed < SLOW:
        return Check("write speed", "note", words, "write to a faster disk with --out")
    return Check("write speed", "ok", words)


def _written(place: Path) -> float:
    """Bytes a second, each megabyte flushed to the disk."""
    data = os.urandom(CHUNK)
    began = time.perf_counter()
    written = 0
    with TemporaryFile(dir=place) as stream:
        while written < MOST_CHUNKS * CHUNK and time.perf_counter() - began < MOST_S:
            written += stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    return written / (time.perf_counter() - began)


def folder(workspace: Workspace, name: str) -> Check:
    """Whether `data`, `runs` or `submissions` can be written to."""
    place = (workspace.root if name == "data" else workspace.out) / name
    there = nearest(place)
    if not there.is_dir():
        return Check(f"{name}/", "problem", f"{there} is a file", "rename that file")
    if reason := refusal(there):
        words = f"{there} cannot be written to ({reason})"
        if name == "data":
            remedy = f"what is unpacked, drawn and decoded is kept in {workspace.cache}"
            return Check("data/", "note", words, f"{remedy}; 'comp download' needs --out")
        remedy = "change its permissions, or write elsewhere with --out"
        return Check(f"{name}/", "problem", words, remedy)
    made = "can be written to" if place.exists() else "is not there yet and can be made"
    return Check(f"{name}/", "ok", made)


def home() -> Check:
    """Whether HOME can be written to, where pretrained weights and fonts are kept."""
    remedy = "set HOME to a folder that can be written to, or HF_HOME, TORCH_HOME and MPLCONFIGDIR"
    try:
        place = Path.home()
    except RuntimeError:
        return Check("HOME", "problem", "is not set", remedy)
    reason = refusal(place) if place.is_dir() else "it is no folder"
    if reason:
        return Check("HOME", "problem", f"{place} cannot be written to ({reason})", remedy)
    return Check("HOME", "ok", str(place))
