"""Reads the samples of finished and unfinished runs again, and checks that they did not change."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.external import read_pointer, read_train
from comp.data.fingerprint import has_fingerprint
from comp.data.folds import Folds, read_folds
from comp.data.groups import group_keys
from comp.data.listed import list_samples
from comp.errors import DataError
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RunSamples:
    """The samples of a run, without those that it left out."""

    root: Path
    """The folder of the data."""
    fingerprint: str
    """The recorded SHA-256 of samples and files, external samples included."""
    train: Sequence[Sample]
    test: Sequence[Sample]
    folds: Folds
    groups: Mapping[str, str]
    """A key of the group of each training sample, by folds.csv; else of its unit, else of itself.
    Keys of two samples are equal if no fold may split them."""


class SampleSource:
    """Reads each data folder once, and checks each fingerprint once, for any number of runs."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._read: dict[tuple[Path, ...], tuple[Sequence[Sample], Sequence[Sample]]] = {}
        self._checked: set[tuple[tuple[Path, ...], str]] = set()

    def samples_of(
        self, folder: RunFolder, competition: Competition, record: Mapping[str, Any]
    ) -> RunSamples:
        """The samples of a run.

        Args:
            record: the contents of run.json, with `data`, `synthetic` and `data_fingerprint`.

        Raises:
            DataError: the data is missing, or it is not that of the run.
            RunError: folds.csv is missing or damaged.
        """
        root, expected = self._root(record), record["data_fingerprint"]
        folds, external = read_folds(folder.folds_csv), read_pointer(folder.reader_folder)
        key = (root, *external)
        if key not in self._read:
            test = list_samples(competition, root, "test")
            self._read[key] = read_train(competition, root, external), test
        every, test = self._read[key]
        train = [sample for sample in every if sample.id in folds]
        if (key, expected) not in self._checked:
            if not has_fingerprint([*train, *test], expected, self.workspace.cache):
                raise DataError(
                    f"the data in {root} has changed since run {folder.run_id} started, so its "
                    "targets may be others: restore the data, or start a new run"
                )
            self._checked.add((key, expected))
        keys = group_keys(_with_recorded_groups(train, folder.folds_csv))
        return RunSamples(
            root=root,
            fingerprint=expected,
            train=train,
            test=test,
            folds=folds,
            groups={sample.id: group for sample, group in zip(train, keys, strict=True)},
        )

    def _root(self, record: Mapping[str, Any]) -> Path:
        """The data of a run; synthetic data that no longer exists is drawn again."""
        root = Path(record["data"])
        if root.is_dir():
            return root
        from comp.pipeline.resume import source_of  # imports the training

        return source_of(record, self.workspace).root


def _with_recorded_groups(train: Sequence[Sample], folds_csv: Path) -> list[Sample]:
    with folds_csv.open(newline="", encoding="utf-8") as stream:
        recorded = {row["id"]: row.get("group") or None for row in csv.DictReader(stream)}
    return [
        replace(sample, group=group)
        if (group := recorded.get(sample.id)) and group != sample.group
        else sample
        for sample in train
    ]
