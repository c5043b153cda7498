"""Prediction files: a safetensors file with a float32 array for each sample id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from comp.contract.sample import Sample
from comp.errors import RunError
from comp.files import write_bytes


def save_predictions(path: Path, predictions: Iterable[tuple[Sample, np.ndarray]]) -> None:
    """Write the predictions, keyed by sample id."""
    arrays = {s.id: np.ascontiguousarray(p, dtype=np.float32) for s, p in predictions}
    write_bytes(path, save(arrays))


class Predictions(Mapping[str, np.ndarray]):
    """The predictions in a file, by sample id; each is read when it is used."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(path, framework="numpy")
        except (FileNotFoundError, SafetensorError) as error:
            raise RunError(f"cannot read predictions from {path} ({error}): run again") from None
        self._ids = list(self._file.keys())

    def __getitem__(self, sample_id: str) -> np.ndarray:
        try:
            return np.asarray(self._file.get_tensor(sample_id))
        except SafetensorError:
            raise KeyError(sample_id) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def average_predictions(
    files: Sequence[Path], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each sample with the mean of its predictions in all files, matched by id."""
    by_file = [Predictions(path) for path in files]
    for sample in samples:
        total = np.zeros((), dtype=np.float64)
        for predictions in by_file:
            total = total + predictions[sample.id]
        yield sample, (total / len(by_file)).astype(np.float32)


def join_predictions(
    files: Sequence[Path], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each sample that is in one of the files with its prediction, in the order of
    `samples`. This joins the held-out predictions of the folds."""
    by_file = [Predictions(path) for path in files]
    file_of = {sample_id: predictions for predictions in by_file for sample_id in predictions}
    for sample in samples:
        if sample.id in file_of:
            yield sample, file_of[sample.id][sample.id]


def fill_missing(
    predictions: Iterable[tuple[Sample, np.ndarray]], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each of `samples` with its prediction, or with the mean prediction if it has none.

    The mean prediction of an image has the size of the sample, and each pixel is the mean of all
    pixels of all predictions.
    """
    by_id = {sample.id: values for sample, values in predictions}
    for sample in samples:
        values = by_id.get(sample.id)
        yield sample, _mean_prediction(list(by_id.values()), sample) if values is None else values


def _mean_prediction(predictions: Sequence[np.ndarray], sample: Sample) -> np.ndarray:
    first = predictions[0]
    if first.ndim == 1 or sample.size is None:
        return np.asarray(np.mean(predictions, axis=0))
    total = sum(float(values.sum(dtype=np.float64)) for values in predictions)
    mean = total / sum(values.size for values in predictions)
    return np.full((*sample.size, *first.shape[2:]), mean, dtype=first.dtype)


def named_columns(what: str, values: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of a table (N, K) by name: `what` alone if there is one, else `what_<name>`."""
    count = values.shape[1]
    if count == 1:
        return {what: values[:, 0]}
    known = names if len(names) == count else [str(index) for index in range(count)]
    return {f"{what}_{name}": values[:, index] for index, name in enumerate(known)}
