"""The features of a plan: those of a few images are computed in place of all."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.images.prepared import PreparedImages
from comp.features.prepare import prepare_features
from comp.features.prepared import PreparedFeatures
from comp.features.store import VALUES, FeatureStore
from comp.features.time_limit import TRIAL_S, too_slow
from comp.inference.tta import SYMMETRIES
from comp.pipeline.fold_context import FoldContext
from comp.runs.progress import Reporter

FEW = 64
"""Images whose features are computed in place of all."""


@dataclass(frozen=True)
class StandInStore(FeatureStore):
    """A cache of a few images that stand in for all, always the same one for each sample."""

    def row(self, sample: Sample) -> int:
        """The row of the image that stands in."""
        return zlib.crc32(sample.id.encode()) % int(self.index["plain"][0])


class PlanFeatures:
    """Prepares the features of a plan, in place of `prepare_features`.

    `compute_s` is how many seconds the run needs to compute all features, `spent_s` how many were
    spent here, and `new_bytes` is the size of the cache that the run writes; 0 without a cache. A
    plan does not look whether the workspace already has the features.

    Args:
        folder: a temporary folder for the features that are computed here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compute_s = self.spent_s = 0.0
        self.new_bytes = 0

    def __call__(
        self,
        competition: Competition,
        config: RunConfig,
        model: nn.Module | None,
        samples: tuple[Sequence[Sample], Sequence[Sample]],
        images: PreparedImages,
        _caches: Path,
        reporter: Reporter,
    ) -> PreparedFeatures:
        """Compute the features and embeddings of a few training images, and scale the time to
        all."""
        train, test = samples
        few = [train[i * len(train) // FEW] for i in range(FEW)] if len(train) > FEW else train
        started = time.perf_counter()
        found = prepare_features(
            competition, config, model, (few, ()), images, self.folder / "features", reporter
        )
        self.spent_s = time.perf_counter() - started
        total, few_passes, size = 0, 0, 0
        for cache in filter(None, (found.cache, found.embeddings)):
            index = FeatureStore(cache).index
            copies, views = len(SYMMETRIES[index["symmetries"]]), int(index["views"][1])
            passes = (len(train) + len(test)) * copies + len(train) * views
            total, few_passes = total + passes, few_passes + len(few) * (copies + views)
            values = (cache / VALUES).stat().st_size
            size += round(values * passes / (len(few) * (copies + views)))
        if few_passes:
            self.compute_s, self.new_bytes = self.spent_s * total / few_passes, size
        if found.cache and too_slow(self.compute_s, config):
            self.compute_s, self.new_bytes = TRIAL_S, 0
            return replace(found, cache=None, given_up=True)
        return found

    def change(self, context: FoldContext) -> FoldContext:
        """The context, with the features of the few images in place of those of all."""
        features, embeddings = context.features, context.embeddings
        return replace(
            context,
            features=StandInStore(features.folder) if features else None,
            embeddings=StandInStore(embeddings.folder) if embeddings else None,
        )
