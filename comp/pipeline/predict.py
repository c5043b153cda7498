"""Predicts with the weights of a run, on the data of the run or on other data."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition, Reader, Sample
from comp.data.images.decode import write_image
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.data.listing import SUFFIXES, samples_in_folder
from comp.data.location import open_data, open_folder
from comp.errors import DataError, RunError
from comp.files import write_json
from comp.inference.predict import Predictor, predictor_of, with_progress
from comp.inference.predictions import (
    average_predictions,
    fill_missing,
    join_predictions,
    save_predictions,
)
from comp.runs.folder import RunFolder
from comp.runs.progress import OnPrediction
from comp.submission.template import submission_spec, template_of
from comp.submission.write import make_submission
from comp.training.checkpoint import META, load_weights
from comp.training.device import choose_device, choose_precision, make_accelerator
from comp.workspace import Workspace

RECORD = "prediction.json"
SUBMISSION = "submission.csv"
TEST = "test.safetensors"


@dataclass(frozen=True, kw_only=True)
class PredictResult:
    """What `comp predict` wrote: predictions, a submission if the data is the competition's, and
    images if the predictions are images. `prediction.json` in `out` contains these fields."""

    run_id: str
    competition: str
    data: Path
    """The root of the competition's data, or the folder or image that was predicted."""
    folds: Sequence[int]
    samples: int
    out: Path
    submission: Path | None
    n_rows: int
    images: Path | None
    skipped: Mapping[str, str]
    """Images that were left out because they cannot be decoded, with the reason."""


def predict(
    run_id: str,
    workspace: Workspace,
    *,
    data: Path | None = None,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    on_prediction: OnPrediction | None = None,
    on_image: OnImage | None = None,
    skip_bad: bool = False,
) -> PredictResult:
    """Predict with every finished fold of a run and average.

    Args:
        data: data of the competition, a folder of images, or an image; None for the run's data.
        out: a new or empty folder; None replaces `predictions/<run id>/` of the workspace.
        settings: configuration keys that differ from the run's, such as the device.
        skip_bad: leave out images that cannot be decoded; always done if the run left out images.

    Raises:
        RunError: there is no such run, none of its folds is finished, or scores.json is damaged.
        DataError: the data is missing or damaged, or `out` is not empty.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    config = _config(competition, record, settings or {})
    folds = _finished_folds(run, config)
    threshold = run.threshold() or 0.5
    data = data or Path(record["data"])
    skip_bad = skip_bad or bool(record.get("skipped"))
    root, all_samples, other_samples = _samples(competition, data, workspace)
    images = prepare_images(competition, config, all_samples, workspace.images, on_image, skip_bad)
    samples = without_skipped(all_samples, images.skipped)
    folder = output_folder(out, workspace, run.run_id)
    files = {fold: folder / f"fold-{fold}.safetensors" for fold in folds}
    with TemporaryDirectory() as scratch:
        images.write_pointer(Path(scratch))
        reader = make_reader(competition, [*other_samples, *samples], config, Path(scratch))
        for fold, file in files.items():
            predictor = _predictor(competition, config, reader, run.fold(fold))
            predictions = with_progress(predictor(samples), fold, len(samples), on_prediction)
            save_predictions(file, predictions)
    averaged = average_predictions(list(files.values()), samples)
    fill = root and images.skipped  # a submission needs every id
    save_predictions(folder / TEST, fill_missing(averaged, all_samples) if fill else averaged)
    result = PredictResult(
        run_id=run.run_id,
        competition=competition.name,
        data=(root or data).resolve(),
        folds=folds,
        samples=len(samples),
        out=folder,
        submission=folder / SUBMISSION if root else None,
        n_rows=_write_submission(competition, root, folder, all_samples, threshold) if root else 0,
        images=_write_images(folder, samples) if competition.dense else None,
        skipped=images.skipped,
    )
    write_json(folder / RECORD, asdict(result))
    return result


def _finished_folds(run: RunFolder, config: RunConfig) -> list[int]:
    folds = [fold for fold in range(config.folds) if (run.fold(fold) / META).is_file()]
    if not folds:
        raise RunError(
            f"run {run.run_id} has no finished fold to predict with: resume it with 'comp resume "
            f"{run.run_id}'"
        )
    return folds


def output_folder(out: Path | None, workspace: Workspace, run_id: str) -> Path:
    """Return the folder to write to. The default folder is deleted first; `out` must be new or
    empty.

    Raises:
        DataError: `out` is not empty.
    """
    if out is None:
        folder = workspace.out / "predictions" / run_id
        shutil.rmtree(folder, ignore_errors=True)
        return folder
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty: give a new folder for the predictions")
    return out


def _config(
    competition: Competition, record: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """The run's configuration without pretrained weights: the folds have their own."""
    no_pretrained = {"pretrained": False, "weights": None}
    layers = [record["config"], no_pretrained, settings]
    return resolve(competition.name, layers, competition.options)


def _samples(
    competition: Competition, data: Path, workspace: Workspace
) -> tuple[Path | None, Sequence[Sample], Sequence[Sample]]:
    """Return (data folder or None, samples to predict, other samples of the same data).

    A folder without the competition's layout is a folder of images; an image is one sample.
    """
    if data.is_file() and data.suffix.lower() in SUFFIXES:
        return None, [Sample(id=data.stem, image=data)], []
    folder = open_folder(data, workspace)
    try:
        root = open_data(competition, data, workspace)
    except DataError:
        return None, samples_in_folder(folder), []
    return root, competition.samples(root, "test"), competition.samples(root, "train")


def _predictor(
    competition: Competition, config: RunConfig, reader: Reader, fold_folder: Path
) -> Predictor:
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    model = competition.model(config)
    load_weights(fold_folder, model)
    accelerator = make_accelerator(device, precision)
    return predictor_of(competition, config, model, reader, accelerator)


def _write_submission(
    competition: Competition, root: Path, folder: Path, samples: Sequence[Sample], threshold: float
) -> int:
    return make_submission(
        folder / SUBMISSION,
        (competition.rows(s, p, threshold) for s, p in join_predictions([folder / TEST], samples)),
        submission_spec(competition, template_of(competition, root, samples)),
    )


def _write_images(folder: Path, samples: Sequence[Sample]) -> Path:
    """Write each predicted image as an 8-bit PNG, `images/<sample id>.png`."""
    images = folder / "images"
    for sample, prediction in join_predictions([folder / TEST], samples):
        image = (np.clip(prediction, 0, 1) * 255).round().astype(np.uint8)
        write_image(images / f"{sample.id}.png", image[..., 0] if image.shape[2] == 1 else image)
    return images
