"""The numbers by which samples are compared: embeddings, colours and edges, or columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from comp.config.schema import RunConfig
from comp.data.columns.treatment import Treatment
from comp.data.domain_sources import standardized
from comp.errors import CompError, ConfigError
from comp.exploration.colours_and_edges import colours_and_edges
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Subjects
from comp.features.similarity import unit_vectors
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested

By = Literal["embeddings", "colours and edges", "columns"]
MOST_CATEGORIES = 20
"""Categories of a column that have a number of their own."""
ASKED = ("weights", "pretrained")
"""Keys with which the user asks for embeddings."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """Numbers float32 (N, F) of the samples, prepared for distances: K-means compares them.

    `backbone` made the embeddings, and `why` says why there are no embeddings. `names` are those of
    the columns.
    """

    by: By
    subjects: Subjects
    values: np.ndarray
    backbone: str = ""
    why: str = ""
    names: Sequence[str] = ()

    def of(self, rows: Sequence[int]) -> Vectors:
        """Those of some samples."""
        return replace(self, subjects=self.subjects.take(rows), values=self.values[list(rows)])


def image_vectors(
    subjects: Subjects,
    config: RunConfig,
    pictures: Pictures,
    caches: Path,
    reporter: Reporter,
    keys: Mapping[str, Any],
) -> Vectors:
    """Embeddings, if the configuration has pretrained weights that are on this machine; else
    colours and edges.

    Args:
        keys: what the user has set; who names weights gets embeddings or an error.

    Raises:
        ConfigError: the user asked for embeddings, and there can be none.
    """
    try:
        return _embeddings(subjects, config, pictures, caches, reporter)
    except CompError as error:
        if any(keys.get(key) for key in ASKED):
            raise
        return _colours_and_edges(subjects, pictures, reporter, str(error))


def _embeddings(
    subjects: Subjects, config: RunConfig, pictures: Pictures, caches: Path, reporter: Reporter
) -> Vectors:
    from comp.features.embeddings import embed_samples
    from comp.pipeline.embedding_drift import check_at_hand

    competition = subjects.competition
    if competition.image_spec is None and competition.reader is None:
        raise ConfigError(
            f"the images of {competition.name} keep their sizes: embeddings need a competition "
            "whose images are resized to one size"
        )
    check_at_hand(config)
    samples = list(subjects.samples)
    values = embed_samples(competition, config, samples, pictures.reader, caches, reporter)
    return Vectors(
        by="embeddings",
        subjects=subjects,
        values=unit_vectors(values),
        backbone=config.backbone,
    )


def _colours_and_edges(
    subjects: Subjects, pictures: Pictures, reporter: Reporter, why: str
) -> Vectors:
    rows, found = [], []
    for row, sample in enumerate(subjects.samples):
        stop_if_requested()
        image = pictures.image(sample)
        if image is not None:
            rows.append(row)
            found.append(colours_and_edges(image))
        reporter.images_decoded(row + 1, len(subjects), "describing")
    if not found:
        raise ConfigError("no image can be read: see what 'comp check' says")
    values = standardized(np.stack(found)).astype(np.float32)
    return Vectors(by="colours and edges", subjects=subjects.take(rows), values=values, why=why)


def column_vectors(subjects: Subjects, config: RunConfig) -> Vectors:
    """Standardised numbers, flags of gaps, and 0 or 1 for each of the frequent categories. The
    training rows decide.

    Raises:
        CompError: it is not clear what a column means.
    """
    changes = {"pairs": [], "places": [], "scale": "standard"}  # columns as they are
    bare = config.columns.model_copy(update=changes)
    rows = [sample.features for sample in subjects.samples]
    training = [rows[row] for row in subjects.rows_of("train")]
    treatment = Treatment.fit(training or rows, bare)
    matrix = treatment.for_network(rows)
    parts, names = [np.clip(matrix.numbers, -5, 5)], list(matrix.number_names)
    for column, name in enumerate(matrix.category_names):
        codes = matrix.categories[:, column]
        for code, level in enumerate(treatment.features.levels[name][:MOST_CATEGORIES], start=1):
            parts.append((codes == code).astype(np.float32)[:, None])
            names.append(f"{name} = {level}")
    values = np.concatenate(parts, axis=1)
    if not values.shape[1]:
        raise ConfigError("no column has different values: there is nothing to compare")
    return Vectors(by="columns", subjects=subjects, values=values, names=names)
