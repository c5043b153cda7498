"""The pseudo-labels of a run on disk: one set for each fold, from models that never saw the samples
that this fold holds out.

`reader/pseudo.json` in the folder of a run names, for each fold, files of predictions and the ids
of the samples that train with them. A label is the mean of the predictions in the files.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Sample
from comp.data.units import unit_of
from comp.errors import RunError
from comp.files import read_json, write_json
from comp.inference.prediction_file import write_predictions
from comp.inference.predictions import Predictions

POINTER = "pseudo.json"


@functools.lru_cache(maxsize=16)
def _open(path: Path, _process: int) -> Predictions:
    """A file of predictions. Processes do not share it, because they would share its position."""
    return Predictions(path)


@dataclass(frozen=True)
class FoldLabels:
    """The pseudo-labels of one fold: its prediction files, and the ids of its samples."""

    files: tuple[Path, ...]
    ids: tuple[str, ...]

    def prediction(self, unit: str) -> np.ndarray:
        """The mean prediction of a sample or a unit, float32 (K,) or (H, W, K)."""
        arrays = [_open(path, os.getpid())[unit] for path in self.files]
        if len(arrays) == 1:
            return arrays[0]
        return np.asarray(np.mean(arrays, axis=0, dtype=np.float64), np.float32)


@dataclass(frozen=True, kw_only=True)
class PseudoLabels:
    """The pseudo-labels of the folds of a run.

    `root` is a folder with other unlabelled data; None: the samples are the test samples of the
    run. `candidates` are the samples that may have labels. `record` says in run.json where the
    labels come from, and `notes` tell the user. `bytes` is what a copy needs on the disk.
    """

    root: Path | None = None
    candidates: Sequence[Sample] = ()
    folds: Mapping[int, FoldLabels] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    bytes: int = 0

    @cached_property
    def by_id(self) -> Mapping[str, Sample]:
        """The candidates by id."""
        return {sample.id: sample for sample in self.candidates}

    def write_pointer(self, folder: Path) -> None:
        """Write where the labels are to a file in `folder`, if there are any."""
        if not self.folds:
            return
        folds = {
            str(fold): {"files": [_name(path, folder) for path in labels.files], "ids": labels.ids}
            for fold, labels in self.folds.items()
        }
        root = str(self.root) if self.root else None
        write_json(folder / POINTER, {"root": root, "folds": folds})

    def copied_to(self, folder: Path) -> PseudoLabels:
        """Copy the labels to a folder, so that the run does not need the earlier run any more.

        Returns:
            The same labels, read from the copies.
        """
        copied = {}
        for fold, labels in self.folds.items():
            path = folder / f"pseudo-{fold}.safetensors"
            units = dict.fromkeys(unit_of(self.by_id[name]) for name in labels.ids)
            write_predictions(path, ((unit, labels.prediction(unit)) for unit in units))
            copied[fold] = replace(labels, files=(path,))
        return replace(self, folds=copied, bytes=0)


def _name(path: Path, folder: Path) -> str:
    """The name of a file in the folder, the absolute path of another file."""
    return path.name if path.parent == folder else str(path.absolute())


def read_pointer(folder: Path) -> tuple[Path | None, Mapping[int, FoldLabels]]:
    """The folder of other unlabelled data, and the labels of each fold, from the file of
    `PseudoLabels.write_pointer`.

    Raises:
        RunError: the file is missing or damaged.
    """
    path = folder / POINTER
    try:
        pointer = read_json(path)
        root = Path(pointer["root"]) if pointer["root"] else None
        return root, {
            int(fold): FoldLabels(
                tuple(folder / name for name in labels["files"]), tuple(map(str, labels["ids"]))
            )
            for fold, labels in pointer["folds"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(
            f"the pseudo-labels in {path} cannot be read ({error}): restore the file, or start a "
            "new run"
        ) from None
