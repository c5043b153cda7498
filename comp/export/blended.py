"""Compares the mean of several files with what `comp predict` predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Sample
from comp.data.columns.treatment import Treatment
from comp.errors import RunError
from comp.export.built import File
from comp.export.check import LIMIT
from comp.export.networks import Entries, RunReader, Training
from comp.export.session import open_session
from comp.export.tree_graph import VALUES
from comp.pipeline.members import load_fold

MOST = 100
"""Samples that are compared."""


def check_blend(
    reader: RunReader, trainings: Sequence[Training], files: Sequence[File], folder: Path
) -> dict[str, Any] | None:
    """Compare the mean of the files with the mean of the trainings on the first samples of the
    test; None of runs with images, whose file is one.

    Raises:
        RunError: the mean of the files is another one.
    """
    run = reader.run
    if "image" in run.competition.inputs or run.competition.pool:
        return None
    split = "test" if run.data.test else "train"
    samples = list(run.data.test or run.data.train)[:MOST]
    found = sum(file.weight * _predicted(file, samples, folder) for file in files)
    wanted = _expected(reader, trainings, samples)
    difference = float(np.abs(found - wanted).max())
    limit = LIMIT * max(1.0, float(np.abs(wanted).max()))
    if not difference <= limit:
        raise RunError(
            f"the mean of the files is not what the run predicts: it differs by {difference:.2g} "
            f"(limit {limit:.2g}) on {len(samples)} {split} samples, so nothing was written: use "
            "'comp bundle'"
        )
    return {
        "samples": len(samples),
        "split": split,
        "largest_difference": difference,
        "limit": limit,
    }


def _predicted(file: File, samples: Sequence[Sample], folder: Path) -> np.ndarray:
    """What a file predicts of rows, which its own treatment treats: as the card says."""
    treatment = Treatment.load(folder / file.columns)
    rows = [sample.features for sample in samples]
    entries: Entries
    if VALUES in file.inputs:
        entries = {VALUES: treatment.for_trees(rows).values}
    else:
        matrix = treatment.for_network(rows)
        entries = {"numbers": matrix.numbers, "categories": matrix.categories}
    return open_session(file.path)(entries).astype(np.float64)


def _expected(
    reader: RunReader, trainings: Sequence[Training], samples: Sequence[Sample]
) -> np.ndarray:
    """What `comp predict` predicts, on the CPU."""
    total = np.zeros(())
    for one in trainings:
        config = one.config.model_copy(update={"device": "cpu", "precision": "fp32"})
        predictor = load_fold(reader.run.competition, config, one.folder, lambda: reader.run.images)
        predicted = np.stack([values for _, values in predictor(samples)])
        total = total + one.weight * predicted.astype(np.float64)
    return np.asarray(total)
