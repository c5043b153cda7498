"""Reads and predicts the images of the test, batch by batch, in order."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from comp.bundle.parts.devices import precision_on, predict_in_order
from comp.bundle.parts.forward import Networks
from comp.bundle.parts.images import Image, Log
from comp.bundle.parts.read import ReadImage, make_reader
from comp.errors import DataError

AHEAD, AHEAD_OF_IMAGES = 16, 2
"""Images for each worker that are read ahead of the networks. Those with predictions of their own
size may be large."""
SHOWN = 20
"""Broken images that the log names; it counts the others."""
EVERY_S = 30.0
"""Seconds between two lines about the progress."""


class Predicted(NamedTuple):
    """An image, its number among all images, and its prediction, float32 (K,) or (H, W, K)."""

    number: int
    image: Image
    values: np.ndarray


class _Loaded(NamedTuple):
    number: int
    image: Image
    pixels: np.ndarray


class Predictor:
    """Predicts images with the networks of a bundle on some devices.

    After the last prediction, `broken` has the images without one, by their number.

    Args:
        bundle: what bundle.json says.
        folder: the folder of the bundle.
        workers: the number of threads that read images; None: one for each core.
        batch_size: images of a batch; None: that of the run.
    """

    def __init__(
        self,
        bundle: Mapping[str, Any],
        folder: Path,
        devices: Sequence[torch.device],
        log: Log,
        *,
        workers: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.log, self.devices, self.read = log, devices, bundle["read"]
        self.workers = workers or usable_cores()
        self.batch_size = batch_size or bundle["predict"]["batch_size"]
        precision = precision_on(bundle["predict"]["precision"], devices, log)
        self.networks = {device: Networks(bundle, folder, device, precision) for device in devices}
        self.ahead = AHEAD_OF_IMAGES if bundle["predict"]["output"] == "image" else AHEAD
        self.broken: dict[int, Image] = {}

    def __call__(self, images: Sequence[Image], root: Path) -> Iterator[Predicted]:
        """Yield the prediction of each image that can be read, in order.

        Args:
            root: the folder of the data.

        Raises:
            DataError: most of them cannot be predicted.
        """
        return self.predict(images, make_reader(images, root, self.read))

    def predict(self, images: Sequence[Image], read: ReadImage) -> Iterator[Predicted]:
        """The same with a reader.

        Raises:
            DataError: most of them cannot be predicted.
        """
        self.broken.clear()  # callers hold this mapping before the first prediction
        loaded = self._loaded(images, read)
        batches = _batches(loaded, self.batch_size)
        progress = Progress(len(images), self.log)
        for predicted in predict_in_order(batches, self.devices, self._predict, self.log):
            progress.show(predicted.number + 1)
            if np.isfinite(predicted.values).all():
                yield predicted
            else:
                self._tell(predicted.number, predicted.image, "its prediction is not finite")
        if len(self.broken) > SHOWN:
            self.log(f"broken {len(self.broken):,} images in all get the mean prediction")
        if 2 * len(self.broken) > len(images):  # a failed notebook is seen, a mean is not
            raise DataError(
                f"{len(self.broken):,} of {len(images):,} images of the test cannot be predicted, "
                "and most rows would be the mean prediction: the log names the first ones"
            )

    def _predict(self, batch: Sequence[_Loaded], device: torch.device) -> Sequence[Predicted]:
        values = self.networks[device]([loaded.pixels for loaded in batch])
        pairs = zip(batch, values, strict=True)
        return [Predicted(loaded.number, loaded.image, value) for loaded, value in pairs]

    def _loaded(self, images: Sequence[Image], read: ReadImage) -> Iterator[_Loaded]:
        """The images that can be read, in order."""
        found = read_ahead(images, read, self.workers, self.ahead)
        for number, (image, pixels) in enumerate(zip(images, found, strict=True)):
            if isinstance(pixels, DataError):
                self._tell(number, image, str(pixels))
            else:
                yield _Loaded(number, image, pixels)

    def _tell(self, number: int, image: Image, problem: str) -> None:
        self.broken[number] = image
        if len(self.broken) <= SHOWN:
            self.log(f"broken {image.id}: {problem}; it gets the mean prediction")


def _batches(loaded: Iterable[_Loaded], size: int) -> Iterator[Sequence[_Loaded]]:
    """Neighbours of one size, at most `size` at once."""
    for _, alike in groupby(loaded, key=lambda one: one.pixels.shape):
        while chunk := list(islice(alike, size)):
            yield chunk


def read_ahead(
    images: Sequence[Image], read: ReadImage, workers: int, ahead: int = AHEAD
) -> Iterator[np.ndarray | DataError]:
    """Read images in threads, in order; at most `ahead` for each thread are waiting."""
    waiting: deque[Future[np.ndarray | DataError]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for image in images:
                waiting.append(pool.submit(_read, read, image))
                if len(waiting) >= ahead * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(read: ReadImage, image: Image) -> np.ndarray | DataError:
    try:
        return read(image)
    except DataError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:  # a reader of a plugin may raise anything for a broken file
        return DataError(f"{image.path}: {type(error).__name__}: {error}")


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Progress:
    """Says how many images are predicted, at most every `EVERY_S` seconds, and at the end."""

    def __init__(self, total: int, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.log, self.clock = total, log, clock
        self.start = self.last = clock()

    def show(self, done: int) -> None:
        """Count the images that are done."""
        now = self.clock()
        if now - self.last < EVERY_S and done < self.total:
            return
        self.last = now
        seconds = now - self.start
        left = seconds / done * (self.total - done)
        more = f", about {left:,.0f} s left" if done < self.total else ""
        self.log(f"predicted {done:,} of {self.total:,} images in {seconds:,.0f} s{more}")
