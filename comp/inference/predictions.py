"""Predictions on disk: one safetensors file of float32 arrays, keyed by sample id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from comp.contract.competition import Sample
from comp.errors import RunError
from comp.files import write_bytes


def save_predictions(path: Path, predictions: Iterable[tuple[Sample, np.ndarray]]) -> None:
    """Write predictions under the ids of their samples."""
    arrays = {s.id: np.ascontiguousarray(p, dtype=np.float32) for s, p in predictions}
    write_bytes(path, save(arrays))


class Predictions(Mapping[str, np.ndarray]):
    """The predictions in a file, read one by one as they are asked for."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(path, framework="numpy")
        except (FileNotFoundError, SafetensorError) as error:
            raise RunError(f"no readable predictions at {path} ({error}): run again") from None
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


def average(
    files: Sequence[Path], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each sample with the mean of its predictions over the files, matched by id."""
    parts = [Predictions(path) for path in files]
    for sample in samples:
        total = np.zeros((), dtype=np.float64)
        for part in parts:
            total = total + part[sample.id]
        yield sample, (total / len(parts)).astype(np.float32)


def join(files: Sequence[Path], samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each sample that one of the files holds with its prediction: out-of-fold, in order."""
    parts = [Predictions(path) for path in files]
    where = {sample_id: part for part in parts for sample_id in part}
    for sample in samples:
        if sample.id in where:
            yield sample, where[sample.id][sample.id]


def filled(
    predictions: Iterable[tuple[Sample, np.ndarray]], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each of `samples` with its prediction, or with the mean of all where it has none; that
    of an image is the mean of all values, in the sample's size."""
    found = {sample.id: values for sample, values in predictions}
    for sample in samples:
        values = found.get(sample.id)
        yield sample, _middle(list(found.values()), sample) if values is None else values


def _middle(found: Sequence[np.ndarray], sample: Sample) -> np.ndarray:
    """The mean of the predictions, in the shape that the sample's own would have."""
    first = found[0]
    if first.ndim == 1 or sample.size is None:
        return np.asarray(np.mean(found, axis=0))
    total = sum(float(values.sum(dtype=np.float64)) for values in found)
    mean = total / sum(values.size for values in found)
    return np.full((*sample.size, *first.shape[2:]), mean, dtype=first.dtype)
