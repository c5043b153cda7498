"""Predicts samples with the folds of a run, one file for each, and averages them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.units import units_of
from comp.files import make_folder
from comp.inference.adaptation import Adaptation
from comp.inference.predict import with_progress
from comp.inference.predictions import (
    average_files,
    average_predictions,
    fill_missing,
    save_predictions,
)
from comp.pipeline.adapted import adapt_file, adapts, unadapted_file
from comp.pipeline.full_model import full_folder
from comp.pipeline.members import load_fold
from comp.pipeline.predict_files import TEST
from comp.pipeline.seeds import trainings
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
    full: bool = False
    """Whether the full model predicts too, as the fold after the last one."""

    def parts(self, folder: Path) -> dict[int, Path]:
        """The files of the predictions in a folder, by the number of the fold."""
        files = {fold: folder / f"fold-{fold}.safetensors" for fold in self.folds}
        return files | ({self.config.folds: folder / "full.safetensors"} if self.full else {})

    @property
    def weights(self) -> list[float]:
        """How much each of `parts` counts in the mean."""
        return [1.0] * len(self.folds) + ([float(self.config.full)] if self.full else [])


def predict_folds(
    job: Folds,
    make_reader: Callable[[], Reader],
    folder: Path,
    on_prediction: OnPrediction | None,
) -> Sequence[Adaptation]:
    """Write `fold-<fold>.safetensors` of each fold, `full.safetensors` of the full model, and their
    mean `test.safetensors` to a folder.

    If the networks are adapted, these are the adapted predictions, and files that end in
    `-unadapted` contain those of the networks as they were trained, unless they are images.

    Args:
        make_reader: makes the reader of the samples.

    Returns:
        What was adapted in each fold; empty if nothing was.
    """
    competition, parts = job.competition, job.parts(folder)
    files = [*parts.values()]
    found = [
        adaptation
        for fold, file in parts.items()
        for adaptation in predict_fold(job, make_reader, fold, file, on_prediction)
    ]
    _save_mean(job, folder / TEST, files)
    if found and competition.task.output == "numbers":
        _save_mean(job, unadapted_file(folder / TEST), [unadapted_file(file) for file in files])
    return found


def predict_fold(
    job: Folds,
    make_reader: Callable[[], Reader],
    fold: int,
    file: Path,
    on_prediction: OnPrediction | None,
) -> list[Adaptation]:
    """Write the predictions of one fold to a file, as `predict_folds` does for each; returns what
    was adapted. Those of several trainings of the fold are averaged."""
    is_full = job.full and fold == job.config.folds
    fold_folder = full_folder(job.run) if is_full else job.run.fold(fold)
    one_by_one = trainings(job.config, fold_folder)
    if len(one_by_one) == 1:
        return _predict_training(job, make_reader, fold, file, on_prediction, fold_folder)
    found: list[Adaptation] = []
    make_folder(file.parent, parents=True)
    with TemporaryDirectory(dir=file.parent, prefix=".seeds-") as folder:
        files = [Path(folder) / f"{place.name}.safetensors" for _, place in one_by_one]
        for number, (config, place) in enumerate(one_by_one):
            progress = _in_fold(on_prediction, number, len(files))
            training = replace(job, config=config)
            found += _predict_training(training, make_reader, fold, files[number], progress, place)
        average_files(files, file)
        if all(unadapted_file(each).is_file() for each in files):
            average_files([unadapted_file(each) for each in files], unadapted_file(file))
    return found


def _in_fold(on_prediction: OnPrediction | None, number: int, count: int) -> OnPrediction | None:
    """Counts the samples of one of several trainings (from 0) among those of the fold."""
    if on_prediction is None:
        return None

    def in_fold(fold: int, done: int, total: int) -> None:
        on_prediction(fold, number * total + done, count * total)

    return in_fold


def _predict_training(
    job: Folds,
    make_reader: Callable[[], Reader],
    fold: int,
    file: Path,
    on_prediction: OnPrediction | None,
    place: Path,
) -> list[Adaptation]:
    """Write the predictions of the training in the folder `place`."""
    competition, config = job.competition, job.config
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
    units = units_of(job.samples, job.competition.pool)
    averaged = partial(average_predictions, files, units, job.weights)
    save_predictions(path, fill_missing(averaged, job.needed) if job.needed else averaged())
