"""history.jsonl: one JSON line for each validation of a fold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.files import write_bytes

if TYPE_CHECKING:
    from comp.training.state import TrainingCheckpoint


def append_history(path: Path, values: Mapping[str, Any]) -> None:
    """Add a line to the history."""
    before = path.read_bytes() if path.is_file() else b""
    write_bytes(path, before + json.dumps(values).encode() + b"\n")


def truncate_history(path: Path, checkpoint: TrainingCheckpoint | None) -> None:
    """Keep the complete lines of the validations before `checkpoint`; None deletes the file."""
    if checkpoint is None:
        path.unlink(missing_ok=True)
        return
    if path.is_file():
        last = checkpoint.step - 1 if checkpoint.validation_pending else checkpoint.step
        lines = path.read_bytes().splitlines(keepends=True)
        write_bytes(path, b"".join(line for line in lines if _is_complete(line, last)))


def _is_complete(line: bytes, last_step: int) -> bool:
    """Whether a line ends, is valid JSON, and belongs to a step up to `last_step`."""
    try:
        return line.endswith(b"\n") and bool(json.loads(line)["step"] <= last_step)
    except (ValueError, KeyError, TypeError):
        return False
