"""The training images with which `comp predict` compares the images that it adapts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dropped import trained
from comp.data.folds import split
from comp.inference.adaptation import reference_images
from comp.pipeline.adapted import adapts
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


def reference_by_fold(
    run: RunFolder,
    competition: Competition,
    config: RunConfig,
    workspace: Workspace,
    folds: Sequence[int],
    count: int,
) -> Mapping[int, Sequence[Sample]]:
    """By fold, training images for `count` images that are predicted; {} if nothing is adapted.

    Raises:
        DataError: the training data of the run is missing or has changed.
    """
    if not adapts(config):
        return {}
    from comp.pipeline.run_samples import SampleSource

    record = run.record("competition", "data", "synthetic", "data_fingerprint")
    data = SampleSource(workspace).samples_of(run, competition, record)
    parts = {fold: split(data.train, data.folds, fold, config.scheme)[0] for fold in folds}
    return {
        fold: reference_images(trained(part, config.drop, run.reader_folder), count)
        for fold, part in parts.items()
    }


def with_missing(samples: Sequence[Sample], more: Sequence[Sample]) -> list[Sample]:
    """The samples, and those of `more` whose image none of them has."""
    known = {str(sample.image) for sample in samples}
    missing = {str(sample.image): sample for sample in more if str(sample.image) not in known}
    return [*samples, *missing.values()]
