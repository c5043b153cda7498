"""The images of a plan: a few of them are decoded in place of all, if they are not cached yet."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition, ImageSpec
from comp.contract.sample import Item, Reader, Sample
from comp.data.images.cache import PIXELS, ImageReader, build_cache, open_table
from comp.data.images.cache_build import find_cache, resized
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import data_range, prepare_images, spec_of
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange
from comp.pipeline.fold_context import FoldContext

FEW = 256
"""Images that are decoded in place of all."""
FEWER = 64
"""Images that are decoded for each other size."""


@dataclass(frozen=True)
class StandInReader:
    """Reads one of a few samples in place of each sample, always the same one."""

    reader: Reader
    few: Sequence[Sample]

    def __call__(self, sample: Sample) -> Item:
        """Read the sample that stands in."""
        return self.reader(self.few[zlib.crc32(sample.id.encode()) % len(self.few)])


class PlanImages:
    """Prepares the images of a plan, in place of `prepare_images`.

    `decode_s` is how many seconds the run needs to prepare all images, `spent_s` how many were
    spent here, and `new_bytes` is the size of the cache that the run writes.

    Args:
        folder: a temporary folder for the images that are decoded here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.decode_s = self.spent_s = 0.0
        self.new_bytes = 0
        self._few: Sequence[Sample] = ()
        self._value_range: ValueRange | None = None

    def __call__(
        self,
        competition: Competition,
        config: RunConfig,
        samples: Sequence[Sample],
        caches: Path,
        on_image: OnImage | None,
        skip_bad: bool = False,
        root: Path | None = None,
    ) -> PreparedImages:
        """Prepare all images as a run does or, if it would decode them for its cache, a few."""
        started = time.perf_counter()
        whole = bool(competition.reader) or not config.image.cache or not competition.image_spec
        if not whole:
            self._value_range = data_range(competition, config, samples)
        range_s = time.perf_counter() - started
        spec = spec_of(competition.image_spec, config) if competition.image_spec else None
        if whole or spec is None or _is_cached(samples, spec, caches, self._value_range, root):
            checked_s = time.perf_counter() - started
            prepared = prepare_images(
                competition, config, samples, caches, on_image, skip_bad, root=root
            )
            self.spent_s = time.perf_counter() - started
            self.decode_s = self.spent_s - checked_s
            return prepared
        self._few = evenly([s for s in samples if s.target is not None], FEW)
        prepared = self._decode(spec, self._few, on_image, skip_bad)
        share = len(samples) / len(self._few)
        self.spent_s = time.perf_counter() - started
        self.decode_s = range_s + (self.spent_s - range_s) * share
        size = (prepared.cache / PIXELS).stat().st_size if prepared.cache else 0
        self.new_bytes = round(size * share)
        return prepared

    def _decode(
        self,
        spec: ImageSpec,
        few: Sequence[Sample],
        on_image: OnImage | None = None,
        skip_bad: bool = True,
    ) -> PreparedImages:
        return build_cache(
            few,
            spec,
            self.folder,
            skip_bad=skip_bad,
            on_image=on_image,
            value_range=self._value_range,
        )

    def change(self, context: FoldContext) -> FoldContext:
        """The context, which reads the decoded images in place of those that are not."""
        if not self._few:
            return context
        return replace(context, reader=StandInReader(context.reader, self._few))

    def with_config(self, context: FoldContext, config: RunConfig) -> FoldContext:
        """The context with another configuration; images of another size are decoded for it."""
        context = self.change(context)
        make_spec = context.competition.image_spec
        if context.competition.reader or not make_spec:
            return replace(context, config=config)
        spec = spec_of(make_spec, config)
        if spec == spec_of(make_spec, context.config):
            return replace(context, config=config)
        few = evenly(context.train, FEWER)
        prepared = self._decode(spec, few)
        reader = ImageReader(spec, prepared.cache, self._value_range)
        return replace(context, config=config, reader=StandInReader(reader, few))


def evenly(samples: Sequence[Sample], count: int) -> Sequence[Sample]:
    """At most `count` samples, at equal distances."""
    if len(samples) <= count:
        return samples
    return [samples[i * len(samples) // count] for i in range(count)]


def _is_cached(
    samples: Sequence[Sample],
    spec: ImageSpec,
    caches: Path,
    value_range: ValueRange | None,
    root: Path | None,
) -> bool:
    """Whether the run finds its images in a cache. The images are hashed only if there is a cache
    of the same shape, and only those that are new or changed."""
    if not caches.is_dir():
        return False
    cache, table = find_cache(caches, open_table(samples, caches, root), resized(spec, value_range))
    table.save()
    return cache is not None
