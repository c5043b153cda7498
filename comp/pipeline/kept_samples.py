"""The samples of a run for each of its folds: those that this process has, or the table in the
run's folder, or else a new list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.external import read_pointer, read_train
from comp.data.listed import list_samples
from comp.data.location import DataSource
from comp.data.sample_table import Samples, read_samples
from comp.runs.folder import RunFolder


class Owner(Protocol):
    """What holds the samples of a run, which are kept while it is in use."""

    @property
    def train(self) -> Sequence[Sample]:
        """The training samples."""

    @property
    def test(self) -> Sequence[Sample]:
        """The test samples."""

    @property
    def source(self) -> DataSource:
        """Their data."""


_owners: WeakValueDictionary[Path, Owner] = WeakValueDictionary()
"""Folder of a run -> what holds its samples in this process."""


def keep_samples(folder: RunFolder, owner: Owner) -> None:
    """Let the folds of a run that train in this process use the samples of `owner`."""
    _owners[folder.path.absolute()] = owner


def samples_of_run(competition: Competition, run: RunFolder, data: Path) -> Samples:
    """The training samples and the test samples of a run. Images that cannot be read may be among
    them.

    Args:
        data: the folder of the data.

    Raises:
        DataError: samples cannot be listed.
        RunError: the table of samples is damaged.
    """
    owner = _owners.get(run.path.absolute())
    if owner and owner.source.root == data:
        return owner.train, owner.test
    table = read_samples(run.samples, data)
    if table:
        return table
    external = read_pointer(run.reader_folder)
    return read_train(competition, data, external), list_samples(competition, data, "test")
