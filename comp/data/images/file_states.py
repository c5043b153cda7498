"""Size and times of change of files, which a run asks of the disk once at its start."""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

State = tuple[int, int, int]
MISSING: State = (0, 0, 0)
FRESH_S = 120.0
"""Seconds for which an answer is used again."""


@dataclass(frozen=True)
class FileStates:
    """The states of a list of files, int64 (3, N), which must not be written to.

    Size in bytes, and the nanoseconds of the last change of the content and of the status; zeros
    for what cannot be found or is not a file. `taken_ns` is `time.time_ns()` before the first
    question, and `ended` `time.monotonic()` after the last.
    """

    paths: list[str]
    states: np.ndarray
    taken_ns: int
    ended: float
    notes: dict[Any, Any] = field(default_factory=dict)
    """What others found out about these files."""

    def is_of(self, paths: list[str]) -> bool:
        """Whether it is fresh, and about these files in this order."""
        return time.monotonic() - self.ended <= FRESH_S and self.paths == paths


_answers: ContextVar[list[FileStates] | None] = ContextVar("answers", default=None)


@contextmanager
def asked_once() -> Iterator[None]:
    """In this block, `file_states` gives the same answer for the same list of files, if it is less
    than `FRESH_S` old: the start of a run needs it four times, and a million files take seconds."""
    token = _answers.set([])
    try:
        yield
    finally:
        _answers.reset(token)


def file_states(paths: list[str]) -> FileStates:
    """The states of files."""
    answers = _answers.get()
    for answer in answers or ():
        if answer.is_of(paths):
            return answer
    taken_ns, found = time.time_ns(), array("q")
    for path in paths:
        found.extend(file_state(path))
    states = np.frombuffer(found, dtype=np.int64).reshape(-1, 3).T.copy()
    states.flags.writeable = False
    answer = FileStates(paths, states, taken_ns, time.monotonic())
    if answers is not None:
        answers[:] = [answer]
    return answer


def file_state(path: str) -> State:
    """Size in bytes, and the nanoseconds of the last change of the content and of the status.

    A program can set the time of the content back, but not that of the status. Zeros if the file
    cannot be found, or is not a file.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - paths of pathlib are slow
    except (OSError, ValueError):
        return MISSING
    if not stat.S_ISREG(status.st_mode):
        return MISSING
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
