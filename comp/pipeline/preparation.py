"""Prepare the images of a run and their features: all of them for a run, a few for a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.images.prepare import prepare_images, without_skipped
from comp.data.images.prepared import PreparedImages
from comp.features.prepare import prepare_features
from comp.features.prepared import PreparedFeatures
from comp.pipeline.augment_checks import check_first_image
from comp.pipeline.model_checks import CheckedModels
from comp.runs.progress import Reporter
from comp.workspace import Workspace


@dataclass(frozen=True)
class Preparation:
    """The functions that prepare the images of a run and their features."""

    images: Callable[..., PreparedImages] = prepare_images
    features: Callable[..., PreparedFeatures] = prepare_features

    def both(
        self,
        inputs: tuple[Competition, RunConfig, CheckedModels],
        samples: tuple[Sequence[Sample], Sequence[Sample]],
        workspace: Workspace,
        reporter: Reporter,
        skip_bad: bool,
        root: Path | None = None,
    ) -> tuple[PreparedImages, PreparedFeatures]:
        """Prepare those of the training and test samples of the data in `root`."""
        competition, config, models = inputs
        every = [*samples[0], *samples[1]]
        decoded, network = reporter.images_decoded, models.networks.get(NETWORK)
        images = self.images(
            competition, config, every, workspace.images, decoded, skip_bad, root=root
        )
        train, test = (without_skipped(part, images.skipped) for part in samples)
        check_first_image(competition, config, train, images)
        features = self.features(
            competition, config, network, (train, test), images, workspace.features, reporter
        )
        return images, features
