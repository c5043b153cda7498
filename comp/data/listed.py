"""Lists the samples of a competition, which may be millions."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split

MANY = 50_000
"""Samples that searches for cycles feel."""
_settling: ContextVar[bool] = ContextVar("settling", default=False)


def list_samples(competition: Competition, root: Path, split: Split) -> Sequence[Sample]:
    """The samples of a split, as the competition lists them.

    Raises:
        DataError: the data cannot be read, or is inconsistent.
    """
    with uncollected():
        return competition.samples(root, split)


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause Python's search for cycles of objects: while many objects are made, it walks all of
    them again and again, which is half of the time of a list of samples."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def settling() -> Iterator[None]:
    """In this block, `settle` leaves many samples out of Python's search for cycles."""
    token, before = _settling.set(True), gc.get_freeze_count()
    try:
        yield
    finally:
        _settling.reset(token)
        if not before and gc.get_freeze_count():
            gc.unfreeze()


def settle(samples: int) -> None:
    """Leave all objects out of the search for cycles until the block of `settling` ends, if there
    are many samples: each search would walk them all. Cycles that are garbage now stay until then,
    because looking for them takes 3 seconds with a million samples."""
    if samples >= MANY and _settling.get():
        gc.freeze()
