"""Predicts samples with the folds of a run, one file for each, and averages them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.units import units_of
from comp.inference.adaptation import Adaptation
from comp.inference.predict import with_progress
from comp.inference.predictions import average_predictions, fill_missing, save_predictions
from comp.pipeline.adapted import adapt_file, adapts, unadapted_file
from comp.pipeline.members import load_fold
from comp.pipeline.predict_files import TEST
from comp.runs.folder import RunFolder
from comp.runs.progress import OnPrediction


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Finished folds of a run, and the samples that they predict.

    `needed` are the units that a submission needs, if some samples were left out; else empty.
    """

    competition: Competition
    config: RunConfig
    run: RunFolder
    folds: Sequence[int]
    samples: Sequence[Sample]
    needed: Sequence[Sample]
    reference: Mapping[int, Sequence[Sample]]
    """By fold, the training images that the test is compared with; empty if nothing is adapted."""


def predict_folds(
    job: Folds,
    make_reader: Callable[[], Reader],
    folder: Path,
    on_prediction: OnPrediction | None,
) -> Sequence[Adaptation]:
    """Write `fold-<fold>.safetensors` of each fold and their mean `test.safetensors` to a folder.

    If the networks are adapted, these are the adapted predictions, and files that end in
    `-unadapted` contain those of the networks as they were trained, unless they are images.

    Args:
        make_reader: makes the reader of the samples.

    Returns:
        What was adapted in each fold; empty if nothing was.
    """
    competition, files = job.competition, [folder / f"fold-{n}.safetensors" for n in job.folds]
    found = [
        adaptation
        for fold, file in zip(job.folds, files, strict=True)
        for adaptation in _predict_fold(job, make_reader, fold, file, on_prediction)
    ]
    _save_mean(job, folder / TEST, files)
    if found and competition.task.output == "numbers":
        _save_mean(job, unadapted_file(folder / TEST), [unadapted_file(file) for file in files])
    return found


def _predict_fold(
    job: Folds,
    make_reader: Callable[[], Reader],
    fold: int,
    file: Path,
    on_prediction: OnPrediction | None,
) -> list[Adaptation]:
    competition, config, place = job.competition, job.config, job.run.fold(fold)
    count = len(units_of(job.samples, competition.pool))
    reference = job.reference.get(fold, ())
    total = 2 * count + len(job.samples) + len(reference) if adapts(config) else count
    predicted = load_fold(competition, config, place, make_reader)(job.samples)
    save_predictions(file, with_progress(predicted, fold, total, on_prediction))
    if not adapts(config):
        return []

    def on_done(done: int) -> None:
        if on_prediction:
            on_prediction(fold, count + done, total)

    adaptation = adapt_file(
        competition, config, place, make_reader, job.samples, reference, file, on_done
    )
    return [adaptation]


def _save_mean(job: Folds, path: Path, files: Sequence[Path]) -> None:
    """Write the mean over the folds; those of `needed` without one get the mean prediction, because
    a submission needs every id."""
    averaged = partial(average_predictions, files, units_of(job.samples, job.competition.pool))
    save_predictions(path, fill_missing(averaged, job.needed) if job.needed else averaged())
