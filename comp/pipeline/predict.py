"""Predictions of a finished run again, from its checkpoints, on its own data or any other."""

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
from comp.data.images.prepare import prepare_images, readable, reader_of
from comp.data.listing import SUFFIXES, loose_samples
from comp.data.location import open_place, root_of
from comp.errors import DataError, RunError
from comp.files import write_json
from comp.inference.predict import Predictor, predictor_of, with_progress
from comp.inference.predictions import average, filled, join, save_predictions
from comp.runs.folder import RunFolder
from comp.runs.progress import OnPrediction
from comp.submission.template import template_of
from comp.submission.write import make_submission
from comp.training.checkpoint import META, load_weights
from comp.training.device import choose_device, choose_precision, make_accelerator
from comp.workspace import Workspace

RECORD = "prediction.json"


@dataclass(frozen=True, kw_only=True)
class PredictResult:
    """What `comp predict` made: predictions, a submission where the data is the competition's, and
    images where predictions are images. `prediction.json` in `out` holds these fields."""

    run_id: str
    competition: str
    data: Path
    """The data's root, or the folder or image that was predicted."""
    folds: Sequence[int]
    samples: int
    out: Path
    submission: Path | None
    n_rows: int
    images: Path | None
    skipped: Mapping[str, str]
    """Images that could not be decoded and were left out, with the reason."""


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
        data: a folder or zip in the competition's layout, or a folder of images; the run's own data
            if None.
        out: where to write, a new or empty folder; if None `predictions/<run id>/` of the
            workspace, where an older prediction is replaced.
        settings: configuration keys that differ from the run's, such as the device.
        skip_bad: go on without images that cannot be decoded, as a run that did so always does.

    Raises:
        RunError: no such run, or none of its folds is finished.
        DataError: data that is missing or cannot be read, or an `out` that is not empty.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    config = _config(competition, record, settings or {})
    folds = [i for i in range(config.folds) if (run.fold(i) / META).is_file()]
    if not folds:
        raise RunError(f"run {run.run_id} has no finished fold to predict with: run it again")
    data = data or Path(record["data"])
    root, wanted, others = _samples(competition, data, workspace)
    skip_bad = skip_bad or bool(record.get("skipped"))
    images = prepare_images(competition, config, wanted, workspace.images, on_image, skip_bad)
    samples = readable(wanted, images.skipped)
    place = place_for(out, workspace, run.run_id)
    files = [place / f"fold-{fold}.safetensors" for fold in folds]
    with TemporaryDirectory() as kept:
        images.write_pointer(Path(kept))
        reader = reader_of(competition, [*others, *samples], config, Path(kept))
        for fold, file in zip(folds, files, strict=True):
            predictor = _predictor(competition, config, reader, run.fold(fold))
            save_predictions(
                file, with_progress(predictor(samples), fold, len(samples), on_prediction)
            )
    averaged = average(files, samples)
    if root and images.skipped:  # a submission needs every id
        averaged = filled(averaged, wanted)
    save_predictions(place / "test.safetensors", averaged)
    threshold = run.threshold() or 0.5
    made = PredictResult(
        run_id=run.run_id,
        competition=competition.name,
        data=(root or data).resolve(),
        folds=folds,
        samples=len(samples),
        out=place,
        submission=place / "submission.csv" if root else None,
        n_rows=_submission(competition, root, place, wanted, threshold) if root else 0,
        images=_images(place, samples) if competition.dense else None,
        skipped=images.skipped,
    )
    write_json(place / RECORD, asdict(made))
    return made


def place_for(out: Path | None, workspace: Workspace, run_id: str) -> Path:
    """The folder to write to: a folder of the user's must be new or empty, our own is emptied.

    Raises:
        DataError: when `out` is not empty.
    """
    if out is None:
        place = workspace.out / "predictions" / run_id
        shutil.rmtree(place, ignore_errors=True)
        return place
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty: name a new folder for the predictions")
    return out


def _config(
    competition: Competition, record: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """The run's configuration; weights come from its checkpoints and from nowhere else."""
    own = {"pretrained": False, "weights": None}
    return resolve(competition.name, [record["config"], own, settings], competition.options)


def _samples(
    competition: Competition, data: Path, workspace: Workspace
) -> tuple[Path | None, Sequence[Sample], Sequence[Sample]]:
    """Return (data folder or None, samples to predict, other samples of the same data).

    A folder without the competition's layout is taken as a folder of images, an image as itself.
    """
    if data.is_file() and data.suffix.lower() in SUFFIXES:
        return None, [Sample(id=data.stem, image=data)], []
    folder = open_place(data, workspace)
    try:
        root = root_of(competition, data, workspace)
    except DataError:
        return None, loose_samples(folder), []
    return root, competition.samples(root, "test"), competition.samples(root, "train")


def _predictor(
    competition: Competition, config: RunConfig, reader: Reader, checkpoint: Path
) -> Predictor:
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    model = competition.model(config)
    load_weights(checkpoint, model)
    accelerator = make_accelerator(device, precision)
    return predictor_of(competition, config, model, reader, accelerator)


def _submission(
    competition: Competition, root: Path, out: Path, samples: Sequence[Sample], threshold: float
) -> int:
    return make_submission(
        out / "submission.csv",
        (competition.rows(s, p, threshold) for s, p in join([out / "test.safetensors"], samples)),
        template_of(competition, root, samples),
        competition.limits,
        competition.decimals,
        competition.classes,
    )


def _images(out: Path, samples: Sequence[Sample]) -> Path:
    """Write each predicted image as a PNG of bytes, under the id of its sample."""
    for sample, prediction in join([out / "test.safetensors"], samples):
        image = (np.clip(prediction, 0, 1) * 255).round().astype(np.uint8)
        write_image(
            out / "images" / f"{sample.id}.png", image[..., 0] if image.shape[2] == 1 else image
        )
    return out / "images"
