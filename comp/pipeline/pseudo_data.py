"""Other unlabelled data than the test samples, and what the folds of a run predict for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.fingerprint import SAMPLED, fingerprint
from comp.data.images.prepare import make_reader, prepare_images
from comp.data.images.prepared import PreparedImages
from comp.data.location import open_data
from comp.data.units import units_of
from comp.errors import DataError, RunError
from comp.inference.predictions import Predictions, save_predictions
from comp.pipeline.members import FoldPredictor, load_fold
from comp.pipeline.pseudo_labels import PseudoLabels
from comp.pipeline.pseudo_source import LabellingRun
from comp.pipeline.seeds import trainings
from comp.runs.progress import Reporter
from comp.workspace import Workspace


def read_unlabelled(
    competition: Competition, config: RunConfig, workspace: Workspace
) -> PseudoLabels:
    """The folder of `pseudo.data` and its test samples, without labels; empty if it is not set.

    Raises:
        DataError: it does not exist, does not have the competition's layout, or is empty.
    """
    path = config.pseudo.data if config.pseudo.run else None
    if path is None:
        return PseudoLabels()
    try:
        root = open_data(competition, path, workspace).resolve()
        samples = competition.samples(root, "test")
    except DataError as error:
        raise DataError(f"pseudo.data = {path}: {error}") from None
    if not samples:
        raise DataError(f"pseudo.data = {path} has no test samples: give a folder with some")
    return PseudoLabels(root=root, candidates=samples)


def predicted_files(
    run: LabellingRun,
    competition: Competition,
    samples: Sequence[Sample],
    folds: Sequence[int],
    workspace: Workspace,
    reporter: Reporter,
) -> dict[int, tuple[Path, ...]]:
    """Predict unlabelled samples with each fold of a run, unless that is done already.

    The files stay in `predictions/` of the workspace, in a folder for these samples. Networks are
    not adapted to the samples, and models of a fold count equally.

    Args:
        samples: those whose images can be decoded.
        folds: those that need labels.
    """
    digest = fingerprint(samples, workspace.cache).removeprefix(SAMPLED)[:12]
    folder = workspace.out / "predictions" / f"{run.folder.run_id}-{digest}"
    files = {fold: folder / f"fold-{fold}.safetensors" for fold in folds}
    units = {unit.id for unit in units_of(samples, competition.pool)}
    left = [fold for fold, file in files.items() if not _has_all(file, units)]
    if left:
        config = _predicting(run.config)
        known = PreparedImages.read_pointer(run.folder.reader_folder).value_range
        decoded = reporter.images_decoded
        images = prepare_images(
            competition, config, samples, workspace.images, decoded, known_range=known
        )
        with TemporaryDirectory() as scratch:
            images.write_pointer(Path(scratch))
            make = cache(partial(make_reader, competition, samples, config, Path(scratch)))
            for number, fold in enumerate(left, 1):
                predict = _fold_predictor(competition, config, run.folder.fold(fold), make)
                save_predictions(files[fold], predict(samples))
                reporter.images_decoded(number, len(left), "folds that label")
    return {fold: (file,) for fold, file in files.items()}


def _has_all(file: Path, units: set[str]) -> bool:
    try:
        return set(Predictions(file)) == units
    except RunError:
        return False


def _predicting(config: RunConfig) -> RunConfig:
    """The configuration of a run, without pretrained weights if only networks predict."""
    if set(config.model) & set(ESTIMATORS):
        return config
    return config.model_copy(update={"pretrained": False, "weights": None})


def _fold_predictor(
    competition: Competition, config: RunConfig, folder: Path, make: Callable[[], Reader]
) -> FoldPredictor:
    """The equal mean of all models of a fold: weights of a blend know its held-out targets."""
    parts = [
        load_fold(competition, one, place, make, {name: 1 / len(one.model) for name in one.model})
        for one, place in trainings(config, folder)
    ]
    members = {str(number): part for number, part in enumerate(parts)}
    return FoldPredictor(members=members, weights=dict.fromkeys(members, 1 / len(parts)))
