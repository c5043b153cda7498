"""Look at the data of a competition before any training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from comp.config.nearest import did_you_mean
from comp.config.schema import RunConfig
from comp.data.audit.audit import Audit, audit
from comp.data.audit.inspection import Inspection
from comp.data.drift.appearance import Appearance, pixel_statistics
from comp.data.external import open_external, read_external
from comp.data.location import DataSource
from comp.errors import CompError, ConfigError
from comp.exploration.balance import class_balance
from comp.exploration.call import Choices
from comp.exploration.clusters import Clusters, find_clusters
from comp.exploration.columns import describe_columns, target_numbers
from comp.exploration.copies import Copies, find_copies
from comp.exploration.exploration import Compared, Exploration, Left
from comp.exploration.looks import Looks, image_looks
from comp.exploration.neighbours import example_rows, neighbours_of, same_class
from comp.exploration.pictures import Pictures
from comp.exploration.plane import draw_map
from comp.exploration.subjects import Subjects, choose
from comp.exploration.targets import describe_targets
from comp.exploration.vectors import ASKED, Vectors, column_vectors, image_vectors
from comp.pipeline.request import RunRequest
from comp.runs.progress import Reporter

MOST_TRAIN = 5000
"""Training samples that are embedded and clustered, a random part if there are more."""
MOST_TEST = 1000
T = TypeVar("T")


@dataclass(kw_only=True)
class _Look:
    """The parts of a look that cannot be had, with the reason."""

    left: list[Left] = field(default_factory=list)

    def part(self, name: str, find: Callable[[], T]) -> T | None:
        """What `find` returns; None if the data does not allow it."""
        try:
            return find()
        except CompError as error:
            self.left.append(Left(part=name, why=str(error)))
            return None


def explore(
    request: RunRequest,
    source: DataSource,
    config: RunConfig,
    subjects: Subjects,
    pictures: Pictures,
    choices: Choices,
    reporter: Reporter,
) -> Exploration:
    """Look at all samples; those that are compared with each other are at most 5,000 and 1,000.

    Raises:
        ConfigError: no sample has the wanted id, there are too few samples for the wanted clusters,
            or the user asked for embeddings and there can be none.
        Stopped: a signal came.
    """
    began = time.perf_counter()
    if choices.neighbours is not None:
        _find(subjects, choices.neighbours)
    inspected: list[Inspection] = []
    audited = _audit(request, source, config, inspected, reporter)
    by_path = {inspection.path: inspection for inspection in inspected}
    look, rows = _Look(), _compared_rows(subjects, by_path, config.seed, choices.neighbours)
    some = subjects.take(rows)
    training = some.take(some.rows_of("train"))
    with_images = any(sample.image for sample in subjects.samples)
    columns = None
    if subjects.competition.columns and training.samples:
        columns = look.part("columns", lambda: describe_columns(subjects, config.columns))
    parts: dict[str, Any] = {
        "balance": class_balance(subjects),
        "looks": _looks(subjects, some, rows, pictures, by_path, reporter) if with_images else None,
        "copies": _copies(subjects, by_path, reporter) if with_images else None,
        "targets": look.part("targets", lambda: describe_targets(training, pictures, reporter)),
        "columns": columns,
    }
    vectors = _vectors(request, some, config, pictures, reporter, look, with_images)
    if vectors:
        parts |= _comparisons(vectors, choices, config.seed, reporter, look)
    return Exploration(
        competition=subjects.competition.name,
        title=subjects.competition.title,
        audit=audited,
        train=len(subjects.rows_of("train")),
        test=len(subjects.rows_of("test")),
        seconds=round(time.perf_counter() - began, 2),
        left=look.left,
        **parts,
    )


def _find(subjects: Subjects, sample_id: str) -> int:
    row = subjects.row_of(sample_id)
    if row is None:
        ids = [sample.id for sample in subjects.samples]
        raise ConfigError(
            f"no sample '{sample_id}' among {len(ids):,}: {did_you_mean(sample_id, ids)}the first "
            f"is {ids[0]}"
        )
    return row


def _audit(
    request: RunRequest,
    source: DataSource,
    config: RunConfig,
    inspected: list[Inspection],
    reporter: Reporter,
) -> Audit:
    """What `comp check` does; `inspected` gets the inspections of all images."""
    competition = request.competition
    return audit(
        config,
        source,
        external=read_external(competition, open_external(competition, config, request.workspace)),
        on_image=partial(reporter.images_decoded, doing="looking at"),
        on_compared=partial(reporter.images_decoded, doing="comparing"),
        on_inspected=inspected.extend,
    )


def _compared_rows(
    subjects: Subjects, by_path: dict[Path, Inspection], seed: int, neighbour: str | None
) -> list[int]:
    """The rows of the samples that are compared: without images that cannot be read, and with the
    one whose neighbours are choices."""

    def readable(row: int) -> bool:
        image = subjects.samples[row].image
        found = by_path.get(image) if image else None
        return image is None or (found is not None and not found.reason and found.digest != "")

    own_files = subjects.competition.reader is not None
    rows = [row for row in range(len(subjects)) if own_files or readable(row)]
    parts = []
    for split, most in (("train", MOST_TRAIN), ("test", MOST_TEST)):
        parts += choose(subjects, [r for r in rows if subjects.splits[r] == split], most, seed)
    if neighbour is not None:
        parts.append(_find(subjects, neighbour))
    return sorted(set(parts))


def _looks(
    subjects: Subjects,
    some: Subjects,
    rows: Sequence[int],
    pictures: Pictures,
    by_path: dict[Path, Inspection],
    reporter: Reporter,
) -> Looks | None:
    """The looks of all images that are files; else of some rows of a table of images."""
    found: dict[int, Appearance] = {}
    for row, sample in enumerate(subjects.samples):
        inspection = by_path.get(sample.image) if sample.image else None
        if inspection and inspection.appearance and pictures.of_file(sample):
            found[row] = inspection.appearance
    if found:
        return image_looks(subjects, found)
    for done, (row, sample) in enumerate(zip(rows, some.samples, strict=True), start=1):
        image = pictures.image(sample)
        if image is not None:
            found[row] = pixel_statistics(image)
        reporter.images_decoded(done, len(rows), "measuring")
    return image_looks(subjects, found)


def _copies(
    subjects: Subjects, by_path: dict[Path, Inspection], reporter: Reporter
) -> Copies | None:
    found = find_copies(subjects, by_path, partial(reporter.images_decoded, doing="pairing"))
    return found if found.images else None


def _vectors(
    request: RunRequest,
    some: Subjects,
    config: RunConfig,
    pictures: Pictures,
    reporter: Reporter,
    look: _Look,
    with_images: bool,
) -> Vectors | None:
    """The numbers of the samples; None, with a word, if there are none."""
    if not with_images:
        return look.part("clusters", lambda: column_vectors(some, config))
    keys = request.keys
    find = partial(
        image_vectors, some, config, pictures, request.workspace.features, reporter, keys
    )
    return find() if any(map(keys.get, ASKED)) else look.part("clusters", find)


def _comparisons(
    vectors: Vectors, choices: Choices, seed: int, reporter: Reporter, look: _Look
) -> dict[str, Any]:
    """Clusters of the training samples, the map, and neighbours."""
    subjects = vectors.subjects
    rows = subjects.rows_of("train")
    training = vectors.of(rows)
    clusters = _clusters(training, choices, seed, reporter, look) if rows else None
    of = clusters.shown[0].of if clusters else ()
    wanted_row = None if choices.neighbours is None else _find(subjects, choices.neighbours)
    shown = example_rows(vectors, seed) if wanted_row is None else [wanted_row]
    return {
        "compared": Compared(
            by=vectors.by,
            backbone=vectors.backbone,
            why=vectors.why,
            train=len(rows),
            test=len(subjects) - len(rows),
            seed=seed,
        ),
        "clusters": clusters,
        "map": draw_map(vectors, of, seed, reporter),
        "neighbours": [neighbours_of(vectors, row) for row in shown],
        "same_class": same_class(vectors),
    }


def _clusters(
    training: Vectors, choices: Choices, seed: int, reporter: Reporter, look: _Look
) -> Clusters | None:
    numbers = None
    if not any(training.subjects.classes):
        numbers = target_numbers(training.subjects)
        if numbers is not None and not np.isfinite(numbers).all():
            numbers = np.nan_to_num(numbers, nan=float(np.nanmean(numbers)))
    find = partial(find_clusters, training, choices.clusters, seed, reporter, numbers)
    return find() if choices.clusters else look.part("clusters", find)
