"""Samples as pictures to look at, with their target images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Item, Reader, Sample
from comp.data.images.decode import displayable
from comp.data.images.formats import is_picture
from comp.data.images.prepare import data_range, make_reader
from comp.data.images.prepared import PreparedImages
from comp.data.images.raw import read_raw
from comp.data.images.values import ValueRange
from comp.errors import CompError

DECODED = 160
"""The shorter side in pixels that a JPEG keeps when it is decoded to be looked at."""


class Pictures:
    """Reads images as uint8 grey (H, W) or RGB (H, W, 3). An image that cannot be read is None.

    Args:
        value_range: that of images with more than 8 bits.
        folder: for results of the competition's own reader.
    """

    def __init__(
        self,
        competition: Competition,
        config: RunConfig,
        samples: Sequence[Sample],
        value_range: ValueRange | None,
        folder: Path,
    ) -> None:
        self.competition, self.config, self.samples = competition, config, samples
        self._range, self._folder = value_range, folder
        self._counts = Counter(sample.image for sample in samples if sample.image)

    @cached_property
    def reader(self) -> Reader:
        """The reader of a run; see `comp.data.images.prepare.make_reader`."""
        with_image = [sample for sample in self.samples if sample.image]
        return make_reader(self.competition, with_image, self.config, self._folder)

    def of_file(self, sample: Sample) -> bool:
        """Whether the image of a sample is a file of its own, which can be looked at."""
        return sample.image is not None and self._counts[sample.image] == 1

    def image(self, sample: Sample) -> np.ndarray | None:
        """The image of a sample: that of its file, or what the reader of a run returns."""
        if sample.image is None:
            return None
        own_format = self.competition.reader is not None and not is_picture(sample.image)
        if self.of_file(sample) and not own_format:
            return self._file(sample.image)
        item = self._item(sample)
        return _shown(np.asarray(item["image"])) if item and "image" in item else None

    def target(self, sample: Sample) -> np.ndarray | None:
        """The target image of a sample, if it has one."""
        return self._file(sample.target) if isinstance(sample.target, Path) else None

    def masks(self, sample: Sample) -> np.ndarray | None:
        """The masks of a sample as its task encodes them, float32 (H, W, K) of 0..1."""
        item = self._item(sample)
        if not item or "target" not in item:
            return None
        try:
            encoded = np.asarray(self.competition.task.encode(np.asarray(item["target"])))
        except CompError:
            return None
        if encoded.ndim != 3:
            return None
        return (encoded / (255 if encoded.dtype == np.uint8 else 1)).astype(np.float32)

    def _file(self, path: Path) -> np.ndarray | None:
        try:
            return displayable(read_raw(path, at_least=DECODED), self._range, path)
        except CompError:
            return None

    def _item(self, sample: Sample) -> Item | None:
        try:
            return self.reader(sample)
        except CompError:
            return None


def _shown(image: np.ndarray) -> np.ndarray:
    """An image (H, W, C) of a reader: one channel is grey, and of more than three the first."""
    return image[..., 0] if image.shape[2] not in (1, 3) or image.shape[2] == 1 else image


@contextmanager
def open_pictures(
    competition: Competition, config: RunConfig, samples: Sequence[Sample]
) -> Iterator[Pictures]:
    """The pictures of samples, with a folder for what readers keep."""
    with_image = [sample for sample in samples if sample.image]
    with TemporaryDirectory() as scratch:
        value_range = None
        with suppress(CompError):  # a bad file, which the audit reports
            value_range = data_range(competition, config, with_image) if with_image else None
        PreparedImages(value_range=value_range).write_pointer(Path(scratch))
        yield Pictures(competition, config, samples, value_range, Path(scratch))
