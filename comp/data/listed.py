"""Lists the samples of a competition, which may be millions."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split

MANY = 100_000
"""Samples of which a search for cycles takes long."""


def list_samples(competition: Competition, root: Path, split: Split) -> Sequence[Sample]:
    """The samples of a split, as the competition lists them.

    Raises:
        DataError: the data cannot be read, or is inconsistent.
    """
    with uncollected():
        samples = competition.samples(root, split)
        leave_out(len(samples))
    return samples


def leave_out(count: int) -> None:
    """After a list of `MANY` samples: let Python no longer walk the objects that exist now when it
    searches for cycles, which is a fifth of the time of a run. They are still freed when nothing
    refers to them; cycles that are garbage already are collected before."""
    if count >= MANY:
        gc.collect()
        gc.freeze()


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
