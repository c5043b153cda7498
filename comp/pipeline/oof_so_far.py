"""The out-of-fold predictions that a run has: of all its folds, or of those finished so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from comp.errors import RunError
from comp.inference.predictions import Predictions
from comp.runs.folder import RunFolder


class _FoldPredictions(Mapping[str, np.ndarray]):
    """The predictions of several folds, by sample id; each is read when it is used."""

    def __init__(self, folds: Sequence[Predictions]) -> None:
        self._fold_of = {name: fold for fold in folds for name in fold}

    def __getitem__(self, sample_id: str) -> np.ndarray:
        return self._fold_of[sample_id][sample_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fold_of)

    def __len__(self) -> int:
        return len(self._fold_of)


def oof_so_far(folder: RunFolder) -> Mapping[str, np.ndarray]:
    """The joined predictions of a run, float32 (K,) or (H, W, K) by sample id. If the run stopped
    before it joined any, those of its finished folds.

    Raises:
        RunError: no fold is finished, or a file is damaged.
    """
    if folder.oof.is_file():
        return Predictions(folder.oof)
    finished = [path.with_name("oof.safetensors") for path in folder.path.glob("fold-*/meta.json")]
    files = sorted(path for path in finished if path.is_file())
    if not files:
        raise RunError(
            f"run {folder.run_id} has no finished fold: continue it with 'comp resume "
            f"{folder.run_id}'"
        )
    return _FoldPredictions([Predictions(path) for path in files])
