"""Limits the test samples of a run, for trainings whose test predictions nobody needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comp.contract.sample import Sample
from comp.data.units import unit_of
from comp.files import write_json

POINTER = "first-test-unit.json"


def write_limit(folder: Path) -> None:
    """Make the folds of a run predict the first unit of the test only."""
    write_json(folder / POINTER, {"units": 1})


def limited(folder: Path, test: Sequence[Sample]) -> Sequence[Sample]:
    """The test samples that a fold predicts: all, or the first unit if `write_limit` says so."""
    if not test or not (folder / POINTER).is_file():
        return test
    first = unit_of(test[0])
    return [sample for sample in test if unit_of(sample) == first]
