"""Lists the samples of a competition, which may be millions."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split


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
