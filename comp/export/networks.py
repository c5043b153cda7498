"""The models of a run that are exported: those of its folds, seeds, and full model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.columns.reader import ColumnReader
from comp.data.dataset import SampleSet
from comp.errors import ConfigError, RunError
from comp.inference.predict import Predictor, predictor_of
from comp.inference.rows import RowPredictor
from comp.pipeline.fold_columns import FoldColumns, columns_reader, on_columns
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.members import member_config, member_folder
from comp.pipeline.run_oof import RunOof
from comp.pipeline.seeds import trainings
from comp.training.checkpoint import META, load_meta, load_weights
from comp.training.device import make_accelerator

Entries = dict[str, np.ndarray]
"""The inputs of a network by name, for N samples of one size: images (N, H, W, C), uint8 unless the
competition returns others; numbers (N, F)."""
_WHOLE = 1 << 30
"""A tile of this size is the whole image."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A model that is exported, of one training."""

    name: str
    """Of files and of the description: fold-0, fold-0-seed-1, full; of several models
    fold-0-gbdt."""
    fold: int
    """That of the full model is the number of folds."""
    seed: int
    config: RunConfig
    """Of one model."""
    folder: Path
    """With the files of the model."""
    weight: float
    """Its share in the mean; those of all parts have the sum 1."""
    full: bool = False

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.config.model[0])

    @property
    def is_network(self) -> bool:
        """Whether the model is a network, and not an estimator."""
        return self.model not in ESTIMATORS


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training of a fold: one model, or several that are blended."""

    name: str
    fold: int
    config: RunConfig
    folder: Path
    weight: float
    """Its share in the mean of all trainings."""
    full: bool


def parts_of(run: RunOof, fold: int | None = None) -> list[Part]:
    """The models of all finished folds and of the full model, or those of one fold. Models that a
    blend gives no weight have the weight 0.

    Raises:
        ConfigError: `fold` is not a finished fold.
        RunError: a fold does not have the weights of its models.
    """
    parts: list[Part] = []
    for one in trainings_of(run, fold):
        names = one.config.model
        for model, share in blend_of(one).items():
            part = Part(
                name=f"{one.name}-{model}" if len(names) > 1 else one.name,
                fold=one.fold,
                seed=one.config.seed,
                config=one.config if len(names) == 1 else member_config(one.config, model),
                folder=member_folder(one.folder, one.config, model),
                weight=one.weight * share,
                full=one.full,
            )
            parts.append(part)
    return parts


def blend_of(training: Training) -> dict[str, float]:
    """The weights of the models of a training, of sum 1."""
    names = [str(name) for name in training.config.model]
    if len(names) == 1:
        return {names[0]: 1.0}
    members = (load_meta(training.folder) or {}).get("members") or ()
    found = {str(member["name"]): float(member["weight"]) for member in members}
    if set(found) != set(names):
        raise RunError(
            f"{training.folder / META} does not have the weights of {', '.join(names)}: train the "
            "fold again"
        )
    return {name: found[name] for name in names}


def trainings_of(run: RunOof, fold: int | None = None) -> list[Training]:
    """The trainings of all finished folds and of the full model, or those of one fold.

    Raises:
        ConfigError: `fold` is not a finished fold.
    """
    folder, config = run.folder, run.config
    done = [f for f in range(config.folds) if (folder.fold(f) / META).is_file()]
    if fold is not None and fold not in done:
        raise ConfigError(
            f"--fold {fold}: run {run.run_id} has finished the folds {', '.join(map(str, done))}"
        )
    places = {f: (folder.fold(f), 1.0) for f in (done if fold is None else [fold])}
    if fold is None and is_finished(folder, config):
        places[config.folds] = full_folder(folder), float(config.full)
    total = sum(weight for _, weight in places.values())
    found: list[Training] = []
    for number, (place, weight) in places.items():
        name = "full" if number == config.folds else f"fold-{number}"
        every = trainings(config, place)
        for index, (one, inner) in enumerate(every):
            training = Training(
                name=f"{name}-seed-{index}" if len(every) > 1 else name,
                fold=number,
                config=one,
                folder=inner,
                weight=weight / total / len(every),
                full=number == config.folds,
            )
            found.append(training)
    return found


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A network with its weights on the CPU, and how it reads samples."""

    part: Part
    network: nn.Module
    competition: Competition
    predictor: Predictor | RowPredictor
    """Predicts as the run does, but on whole images and without test-time augmentation."""
    reader: Reader
    columns: FoldColumns | None = None

    def read(self, samples: Sequence[Sample]) -> Entries:
        """The inputs of samples, whose images must have one size."""
        inputs = self.competition.inputs
        if isinstance(self.reader, ColumnReader) and self.reader.images is None:
            arrays = self.reader.batch(samples)
            return {name: np.asarray(arrays[name]) for name in inputs}
        pipeline = self.competition.pipeline(self.part.config, False)
        items = SampleSet(samples, self.reader, pipeline, inputs=inputs)
        read = [items[index, 0] for index in range(len(samples))]
        stacked = {name: torch.stack([item[name] for item in read]) for name in inputs}
        return {name: _pixels_last(name, values).numpy() for name, values in stacked.items()}

    def predict(self, entries: Entries) -> np.ndarray:
        """The predictions of comp itself, float32 (N, K) or (N, H, W, K)."""
        tensors = {name: torch.from_numpy(values) for name, values in entries.items()}
        if isinstance(self.predictor, RowPredictor):
            with torch.inference_mode():
                out: torch.Tensor = self.network(*tensors.values()).float()
                activation = self.predictor.activation
                return (activation(out) if activation else out).float().numpy()
        others = {name: values for name, values in tensors.items() if name != "image"}
        return self.predictor.batch(tensors["image"].permute(0, 3, 1, 2).contiguous(), others)


def _pixels_last(name: str, values: torch.Tensor) -> torch.Tensor:
    return values.permute(0, 2, 3, 1).contiguous() if name == "image" else values


class RunReader:
    """Loads the networks of a run one at a time."""

    def __init__(self, run: RunOof) -> None:
        self.run = run

    def load(self, part: Part) -> Loaded:
        """The network of a part.

        Raises:
            RunError: its weights are missing or damaged.
        """
        run, (name,) = self.run, part.config.model
        folder = member_folder(part.folder, part.config, name)
        # the weights of the fold replace the pretrained ones, which are not read again
        changes: Mapping[str, Any] = {"pretrained": False, "weights": None, "channels_last": False}
        plain = part.config.predict.model_copy(update={"tta": "none", "tile": _WHOLE})
        alone = member_config(part.config, name).model_copy(update={**changes, "predict": plain})
        columns = FoldColumns.load(folder) if run.competition.columns else None
        seen = on_columns(run.competition, alone, columns)
        with torch.random.fork_rng(devices=[]):
            network = seen.model(alone)
        load_weights(folder, network)
        network = network.eval().requires_grad_(False)
        reader = columns_reader(alone, columns, [], lambda: run.images)
        accelerator = make_accelerator(torch.device("cpu"), "fp32")
        return Loaded(
            part=replace(part, config=alone),
            network=network,
            competition=seen,
            predictor=predictor_of(seen, alone, network, reader, accelerator),
            reader=reader,
            columns=columns,
        )
