"""One program on one competition for a number of minutes: a cell of the table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

LIMIT = 1.25
"""A program that takes this many times its seconds is killed."""
Cell = dict[str, Any]


class Ended(NamedTuple):
    """How a process ended: its exit code, None if it was killed at the limit."""

    code: int | None
    seconds: float


def run_within(
    command: Sequence[str], limit: float, log: Path, environment: Mapping[str, str]
) -> Ended:
    """Run a process, and kill it with all that it started at a limit of seconds."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _kill_group(process)
        return Ended(code, time.perf_counter() - began)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the session of a process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment_of(threads: int | None) -> dict[str, str]:
    """The environment of all programs: their own number of threads if `threads` is None, and no
    downloads."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "KMP_"))}
    inherited |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return inherited | ({"OMP_NUM_THREADS": str(threads)} if threads else {})


def read_cells(path: Path) -> list[Cell]:
    """The cells of a file of JSON lines, none if it is missing. An incomplete last line, of a run
    that was killed, is left out."""
    if not path.is_file():
        return []
    cells = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            cells.append(json.loads(line))
        except ValueError:
            continue
    return cells


def add_cell(path: Path, cell: Cell) -> None:
    """Append a cell to the file."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(cell) + "\n")


def find(cells: Iterable[Cell], **values: object) -> Cell | None:
    """The newest cell with these values."""
    found = [cell for cell in cells if all(cell.get(key) == v for key, v in values.items())]
    return found[-1] if found else None


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")[:200]
