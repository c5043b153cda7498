"""What a model that is not a network learns from: the columns of samples, and embeddings of their
images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.pipeline.fold_columns import FoldColumns

if TYPE_CHECKING:
    import numpy as np

    from comp.data.columns.matrices import Matrix
    from comp.features.store import FeatureStore


def estimator_matrix(
    competition: Competition,
    config: RunConfig,
    columns: FoldColumns | None,
    samples: Sequence[Sample],
    make_images: Callable[[], Reader],
    stored: FeatureStore | None = None,
) -> Matrix:
    """The matrix of the estimator of `config`: treated columns, then embeddings of the images.

    Args:
        config: of one model.
        make_images: makes the reader of the competition, for images.
        stored: the embeddings of all samples of the run; None: they are computed.
    """
    from comp.estimators.matrix import make_matrix

    (name,) = config.model
    treatment = columns.treatment if columns else None
    rows = [sample.features for sample in samples]
    embeddings = _embeddings(competition, config, samples, make_images, stored)
    return make_matrix(name, treatment, rows, embeddings)


def _embeddings(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    make_images: Callable[[], Reader],
    stored: FeatureStore | None,
) -> np.ndarray | None:
    """float32 (N, D), None if the samples have no images."""
    if not samples or samples[0].image is None:
        return None
    if stored:
        return stored.plain([stored.row(sample) for sample in samples])[:, 0]
    from comp.features.embeddings import embed_samples

    return embed_samples(competition, config, samples, make_images())
