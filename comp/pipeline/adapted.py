"""Test predictions of networks whose BatchNorm layers are adapted to the test images.

Only predictions of the test images are adapted. Out-of-fold predictions, scores and decision
parameters are those of the networks as they were trained, so they do not say how good the adapted
predictions are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from accelerate import Accelerator
from torch import nn

from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.units import pooled, units_of
from comp.errors import ConfigError
from comp.files import read_json, write_json
from comp.inference.adaptation import (
    Adaptation,
    OnImage,
    adapt_batch_norms,
    adaptation_weight,
    check_batch_norms,
    check_image_count,
    reference_images,
)
from comp.inference.predict import predictor_of, with_progress
from comp.inference.predictions import save_predictions
from comp.pipeline.fold_columns import FoldColumns, columns_reader, on_columns
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.members import Predicted
from comp.runs.progress import Reporter
from comp.training.checkpoint import load_weights
from comp.training.device import (
    choose_device,
    choose_precision,
    explain_out_of_memory,
    less_memory_to_predict,
    make_accelerator,
)

TEST = "test.safetensors"
RECORD = "adaptation.json"
"""What was adapted in a fold, as `comp.inference.adaptation.Adaptation`."""
ADAPTING = "adapting"


def adapts(config: RunConfig) -> bool:
    """Whether the test predictions are adapted."""
    return config.predict.adapt != "none"


def check_models(config: RunConfig, images: int) -> None:
    """Check that the models of a run can be adapted, without building them.

    Args:
        images: the number of images to predict.

    Raises:
        ConfigError: a model is not a network of images, or there are too few images.
    """
    if not adapts(config):
        return
    others = [name for name in config.model if name != NETWORK]
    if others:
        raise ConfigError(
            f"predict.adapt = {config.predict.adapt} is for networks of images, but model = "
            f"{', '.join(config.model)}: set predict.adapt=none"
        )
    check_image_count(images)


def check_networks(
    config: RunConfig, networks: Mapping[str, nn.Module], test: Sequence[Sample]
) -> None:
    """Check that the test predictions of a run can be adapted, if its configuration says so.

    Raises:
        ConfigError: they cannot.
    """
    check_models(config, len(test))
    if adapts(config):
        for model in networks.values():
            check_batch_norms(model, config.backbone or type(model).__name__)


def check_fold(
    competition: Competition, config: RunConfig, folder: Path, samples: Sequence[Sample]
) -> None:
    """Check that the predictions of a finished fold can be adapted, if the configuration says so.

    Raises:
        ConfigError: they cannot.
        RunError: a file of the fold is missing or damaged.
    """
    check_models(config, len(samples))
    if adapts(config):
        columns = FoldColumns.load(folder) if competition.columns else None
        model = on_columns(competition, config, columns).model(_untrained(config))
        check_networks(config, {NETWORK: model}, samples)


def _untrained(config: RunConfig) -> RunConfig:
    """The configuration of a network whose weights come from the checkpoint of a fold."""
    return config.model_copy(update={"pretrained": False, "weights": None})


def adapted_predictions(
    competition: Competition,
    config: RunConfig,
    folder: Path,
    reader: Reader,
    accelerator: Accelerator,
    samples: Sequence[Sample],
    reference: Sequence[Sample],
    on_image: OnImage | None,
) -> tuple[Adaptation, Predicted]:
    """Adapt the network of a fold to samples, and predict them.

    The network reads images, also in a run that trains on cached features: those come from layers
    that are not adapted.

    Args:
        competition: on the columns of the fold, if it has columns.
        folder: contains the weights.
        reference: training images of the fold, as `reference_images` returns them.

    Returns:
        What was adapted, and the predictions of the samples, or of their units.
    """
    config = _untrained(config)
    model = competition.model(config)
    load_weights(folder, model)
    predictor = predictor_of(competition, config, model, reader, accelerator)
    weight = adaptation_weight(config.predict.adapt_weight, len(samples))
    adaptation = adapt_batch_norms(model, predictor, samples, reference, weight, on_image)
    return adaptation, pooled(predictor(samples), samples, competition.pool)


def adapt_test(context: FoldContext, folder: Path, reporter: Reporter) -> None:
    """Replace the test predictions of a fold by adapted ones, if the configuration says so.

    Args:
        folder: contains the weights and the test predictions of the fold.
    """
    if not adapts(context.config):
        return
    competition, test = context.competition, context.test
    total, fold = len(units_of(test, competition.pool)), context.fold
    with explain_out_of_memory(less_memory_to_predict(context.config)):
        adaptation, predictions = adapted_predictions(
            competition,
            context.config,
            folder,
            context.reader,
            context.accelerator,
            test,
            reference_images(context.labelled, len(test)),
            lambda done, count: reporter.images_decoded(done, count, ADAPTING),
        )
        counted = with_progress(predictions, fold, total, reporter.predicted)
        _replace(competition, folder / TEST, counted)
    write_json(folder / RECORD, asdict(adaptation))


def image_seconds(context: FoldContext, samples: Sequence[Sample], predict_s: float) -> float:
    """Seconds of predicting some samples from their images.

    Args:
        predict_s: seconds of predicting them from cached features, if there are any.
    """
    if not context.features:
        return predict_s
    model = context.competition.model(_untrained(context.config))
    predictor = predictor_of(
        context.competition, context.config, model, context.reader, context.accelerator
    )
    started = time.perf_counter()
    list(predictor(samples))
    return time.perf_counter() - started


def adapt_file(
    competition: Competition,
    config: RunConfig,
    folder: Path,
    make_images: Callable[[], Reader],
    samples: Sequence[Sample],
    reference: Sequence[Sample],
    file: Path,
    on_prediction: Callable[[int], None],
) -> Adaptation:
    """Replace the predictions of a finished fold by adapted ones.

    Args:
        folder: that of the fold.
        make_images: makes the reader of the competition.
        reference: training images of the fold, as `reference_images` returns them.
        file: contains the predictions.
        on_prediction: called with the number of images and predictions that are done.
    """
    columns = FoldColumns.load(folder) if competition.columns else None
    device = choose_device(config.device)
    adaptation, predictions = adapted_predictions(
        on_columns(competition, config, columns),
        config,
        folder,
        columns_reader(config, columns, [*samples, *reference], make_images),
        make_accelerator(device, choose_precision(config.precision, device)),
        samples,
        reference,
        lambda done, _total: on_prediction(done),
    )
    counted = with_progress(
        predictions,
        0,
        0,
        lambda _fold, done, _total: on_prediction(done),
        before=len(samples) + len(reference),
    )
    _replace(competition, file, counted)
    return adaptation


def unadapted_file(file: Path) -> Path:
    """The predictions of the same network as it was trained, of a file of adapted predictions."""
    return file.with_name(f"{file.stem}-unadapted{file.suffix}")


def _replace(competition: Competition, file: Path, predictions: Predicted) -> None:
    """Write adapted predictions; those before stay in another file, unless they are images."""
    if competition.task.output == "numbers":
        file.replace(unadapted_file(file))
    save_predictions(file, predictions)


def read_adaptations(folders: Sequence[Path]) -> list[Adaptation]:
    """What was adapted in each fold that was adapted."""
    files = [folder / RECORD for folder in folders]
    return [Adaptation(**read_json(file)) for file in files if file.is_file()]


def average_adaptations(folders: Sequence[Path], folder: Path) -> None:
    """Write what was adapted in several trainings, with the mean of `shift`, if anything was."""
    record = adaptation_record(read_adaptations(folders))
    if record:
        del record["adapt"]
        write_json(folder / RECORD, record)


def adaptation_record(adaptations: Sequence[Adaptation]) -> dict[str, Any]:
    """What run.json and prediction.json contain: the fields of `Adaptation`, with the mean of
    `shift` over the folds; {} if nothing was adapted."""
    if not adaptations:
        return {}
    shift = fmean(each.shift for each in adaptations)
    return {"adapt": "batchnorm", **asdict(adaptations[0]), "shift": shift}
