"""Predicted masks and images become rows one at a time, so that many large ones need no memory."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

import numpy as np

from comp.bundle.parts.decide import decide
from comp.bundle.parts.dense_rows import Places, pixels_by_image
from comp.bundle.parts.images import Image
from comp.bundle.parts.predictions import Predicted
from comp.bundle.parts.rows import make_rows
from comp.bundle.parts.samples import row_ids
from comp.errors import DataError
from comp.inference.averages import MeanImage


def image_parts(
    bundle: Mapping[str, Any],
    root: Path,
    images: Sequence[Image],
    predicted: Iterable[Predicted],
    broken: Mapping[int, Image],
    file: Path | None,
) -> Iterator[Mapping[str, Any]]:
    """The rows of each image, in order; a broken image gets the mean prediction.

    Args:
        broken: the images without a prediction, by their number, after the last prediction.
        file: gets the predictions, too; None: no file.

    Raises:
        DataError: no image can be predicted.
    """
    find = PLACES.get(bundle["rows"]["kind"])
    places = find(bundle, root) if find else None
    with ImageFile(file) as arrays:
        dense = DenseRows(bundle, places, arrays)
        yield from dense_parts(images, predicted, broken, dense.rows, dense.size)


def dense_parts(
    images: Sequence[Image],
    predicted: Iterable[tuple[int, Image, np.ndarray]],
    broken: Mapping[int, Image],
    rows_of: Callable[[Image, np.ndarray], Mapping[str, Any]],
    size_of: Callable[[Image], tuple[int, int] | None],
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of each image, in order; a broken image gets the mean prediction.

    The mean is known after the last prediction. So the rows behind a broken image wait in a
    temporary file.

    Args:
        predicted: number, image and prediction (H, W, K) of the others, in order.
        broken: the images without a prediction, by their number, after the last prediction.
        size_of: the (height, width) of an image that cannot be read; None if it is not known.

    Raises:
        DataError: no image can be predicted.
    """
    mean, done = MeanImage(), 0
    with TemporaryFile() as waiting:
        for number, image, values in predicted:
            mean.add(values)
            rows = rows_of(image, values)
            if number == done:
                yield rows
                done += 1
            else:
                pickle.dump(rows, waiting, pickle.HIGHEST_PROTOCOL)
        if not mean.count:
            raise DataError("no image of the test can be predicted")
        waiting.seek(0)
        for number in range(done, len(images)):
            if number in broken:
                yield rows_of(images[number], mean.of_size(size_of(images[number])))
            else:
                yield pickle.load(waiting)  # noqa: S301 - this program has just written it


class DenseRows:
    """The rows of predicted images.

    Args:
        bundle: what bundle.json says.
        places: the pixels of each image that are asked for; None: all.
        arrays: gets the predictions, too.
    """

    def __init__(
        self, bundle: Mapping[str, Any], places: Mapping[str, Places] | None, arrays: ImageFile
    ) -> None:
        self.places, self.arrays, self.decision = places, arrays, bundle["decision"]
        self._make = make_rows(bundle["rows"], places)

    def rows(self, image: Image, values: np.ndarray) -> Mapping[str, Any]:
        """The rows of an image, from its prediction (H, W, K)."""
        self.arrays.add(image.id, values)
        return self._make(image, values, decide(values, self.decision))

    def size(self, image: Image) -> tuple[int, int] | None:
        """The (height, width) of the pixels that are asked for; None if that is not known."""
        return self.places[image.id].size if self.places else None


class ImageFile:
    """An .npz file with `ids`, and an array for each of them in the same order; None as a path
    writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self.ids: list[str] = []
        self._zip: zipfile.ZipFile | None = None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._zip = zipfile.ZipFile(path, "w", allowZip64=True)

    def __enter__(self) -> ImageFile:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._zip:
            self._write("ids", np.array(self.ids))
            self._zip.close()

    def add(self, name: str, values: np.ndarray) -> None:
        """Write an array."""
        if self._zip:
            self._write(str(len(self.ids)), values)
            self.ids.append(name)

    def _write(self, name: str, values: np.ndarray) -> None:
        assert self._zip is not None
        with self._zip.open(f"{name}.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, np.ascontiguousarray(values), allow_pickle=False)


def _places_of_pixels(bundle: Mapping[str, Any], root: Path) -> Mapping[str, Places] | None:
    """The pixels that the sample submission asks for; None without one."""
    name = bundle["data"]["sample_submission"]
    if not name:
        return None
    return pixels_by_image(row_ids(root / name, bundle["rows"]["id_column"]))


PLACES: dict[str, Callable[[Mapping[str, Any], Path], Mapping[str, Places] | None]] = {
    "pixels": _places_of_pixels,
}
"""Kind of the rows -> what finds the pixels of each image, for rows that are pixels."""
