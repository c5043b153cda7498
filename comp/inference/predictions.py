"""The predictions of samples: written to files and read, averaged, joined and filled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from comp.contract.metric import Arrays, own_arrays
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.inference.averages import MeanImage, mean_of
from comp.inference.prediction_file import PredictionFile, open_predictions, write_predictions

IN_MEMORY = 1 << 28
"""Bytes of predictions that `Repeatable` keeps in memory."""
BLOCK = 1 << 22
"""Bytes of a file of numbers that are averaged at once."""


def save_predictions(
    path: Path, predictions: Iterable[tuple[Sample, np.ndarray]]
) -> Sequence[Sample]:
    """Write the predictions, keyed by sample id; one is in memory at a time.

    Returns:
        The samples, in the order in which they came.
    """
    samples: list[Sample] = []

    def arrays() -> Iterator[tuple[str, np.ndarray]]:
        for sample, values in predictions:
            samples.append(sample)
            yield sample.id, values

    write_predictions(path, arrays())
    return samples


class Repeatable(Iterable[Arrays]):
    """Predictions, or pairs of target and prediction, that can be iterated several times, although
    they may not fit into memory.

    The first iteration keeps them if they have at most `IN_MEMORY` bytes in all; otherwise each
    iteration makes them again. What is kept is given as copies: a metric may change what it gets.

    Args:
        make: returns them from the start.
    """

    def __init__(self, make: Callable[[], Iterable[Arrays]]) -> None:
        self._make = make
        self._kept: list[Arrays] | None = None

    def __iter__(self) -> Iterator[Arrays]:
        if self._kept is not None:
            yield from map(own_arrays, self._kept)
            return
        listed: list[Arrays] = []
        room = IN_MEMORY
        for item in self._make():
            room -= sum(part.nbytes for part in item if isinstance(part, np.ndarray))
            if room < 0:
                listed.clear()
                yield item
            else:
                listed.append(item)
                yield own_arrays(item)
        if room >= 0:
            self._kept = listed


class Predictions(Mapping[str, np.ndarray]):
    """The predictions in a file, by sample id; each is read when it is used."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = open_predictions(path)
        except (FileNotFoundError, SafetensorError) as error:
            raise RunError(f"cannot read predictions from {path} ({error}): run again") from None

    def __getitem__(self, sample_id: str) -> np.ndarray:
        return self._file[sample_id]

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._file

    def __iter__(self) -> Iterator[str]:
        return iter(self._file)

    def __len__(self) -> int:
        return len(self._file)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of all predictions; None if it is not known, or they have several."""
        return self._file.shape

    def rows(self, sample_ids: Sequence[str]) -> np.ndarray:
        """The predictions of some samples as one array, in their order."""
        if isinstance(self._file, PredictionFile):
            return self._file.rows(sample_ids)
        return np.stack([self._file[sample_id] for sample_id in sample_ids])


def digest_of(path: Path) -> str:
    """A SHA-256 of the predictions in a file by their ids, whatever its format and order."""
    predictions, total = Predictions(path), hashlib.sha256()
    for sample_id, values in predictions.items():
        total.update(f"{sample_id}\0{values.shape}\0".encode(errors="surrogateescape"))
        total.update(np.ascontiguousarray(values, dtype=np.float32).data)
    return total.hexdigest()


def average_predictions(
    files: Sequence[Path], samples: Sequence[Sample], weights: Sequence[float] | None = None
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each sample with the mean of its predictions in all files, matched by id.

    Args:
        weights: of the files; None: all are equal.
    """
    by_file = [Predictions(path) for path in files]
    shares = [1.0] * len(by_file) if weights is None else weights
    size = _size_of_all(by_file)
    if size > BLOCK:
        for sample in samples:
            yield sample, mean_of((predictions[sample.id] for predictions in by_file), shares)
        return
    step = int(BLOCK // max(1, size))
    for begin in range(0, len(samples), step):
        part = samples[begin : begin + step]
        ids = [sample.id for sample in part]
        yield from zip(part, mean_of((file.rows(ids) for file in by_file), shares), strict=True)


def _size_of_all(files: Sequence[Predictions]) -> float:
    """Bytes of each prediction in all of the files, infinite if they have several shapes."""
    shapes = {file.shape for file in files}
    shape = shapes.pop() if len(shapes) == 1 else None
    return math.inf if shape is None else 4 * math.prod(shape)


def average_files(files: Sequence[Path], path: Path) -> None:
    """Write the mean of files that have the same ids."""
    samples = [Sample(id=sample_id) for sample_id in Predictions(files[0])]
    save_predictions(path, average_predictions(files, samples))


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
    predictions: Callable[[], Iterable[tuple[Sample, np.ndarray]]], samples: Sequence[Sample]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield the predictions of `samples`, and then the mean prediction for each of `samples` that
    has none.

    The mean prediction of an image has the size of the sample, and each pixel is the mean of all
    pixels of all predictions. If the size is not known, it is the mean of all images; if these have
    different sizes, it has that of the first.

    Args:
        predictions: returns the predictions, each time from the start.
    """
    needed = {sample.id: sample for sample in samples}
    predicted: set[str] = set()
    for sample, values in predictions():
        predicted.add(sample.id)
        if sample.id in needed:
            yield needed[sample.id], values
    missing = [sample for sample in samples if sample.id not in predicted]
    if missing:
        mean = _Mean(values for _, values in predictions())
        for sample in missing:
            yield sample, mean.of_size(sample.size)


class _Mean:
    """The mean of predictions; of images, one is in memory at a time."""

    def __init__(self, predictions: Iterable[np.ndarray]) -> None:
        rest = iter(predictions)
        first = next(rest, None)
        if first is None:
            raise RunError("no test image can be decoded: replace the images, and resume the run")
        self._numbers: np.ndarray | None = None
        self._images = MeanImage()
        if first.ndim == 1:
            self._numbers = np.asarray(np.mean([first, *rest], axis=0))
            return
        for image in chain([first], rest):
            self._images.add(image)

    def of_size(self, size: tuple[int, int] | None) -> np.ndarray:
        """The mean prediction for a sample of a size (height, width), if it is known."""
        return self._images.of_size(size) if self._numbers is None else self._numbers


def named_columns(what: str, values: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of a table (N, K) by name: `what` alone if there is one, else `what_<name>`."""
    count = values.shape[1]
    if count == 1:
        return {what: values[:, 0]}
    known = names if len(names) == count else [str(index) for index in range(count)]
    return {f"{what}_{name}": values[:, index] for index, name in enumerate(known)}
