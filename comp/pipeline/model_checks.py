"""Build the models of a run before it starts, so that mistakes appear at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from comp.config.model import COLUMN_NETWORKS, ESTIMATORS, NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.sample_weights import draw_weights
from comp.data.units import units_of
from comp.errors import ConfigError
from comp.inference.tta import check_turns
from comp.models.head import check_head
from comp.pipeline.augment_checks import check_augmentation
from comp.pipeline.fold_columns import FoldColumns, on_columns
from comp.pipeline.members import member_config, network_names, new_estimator
from comp.pipeline.metric_check import check_metric
from comp.training.averages import check_average, weights_in_memory
from comp.training.freezing import apply_freezing
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.optim import make_optimizer


@dataclass(frozen=True, kw_only=True)
class CheckedModels:
    """The networks of a run by name, what the user should know of the cells of the test rows, and
    the kinds and treatments of the columns as JSON."""

    networks: Mapping[str, nn.Module]
    notes: Sequence[str]
    columns: Mapping[str, Any]

    @property
    def origin(self) -> Any:
        """Where the weights of the network of images came from; None if there is none."""
        return getattr(self.networks.get(NETWORK), "origin", None)


def check_models(
    competition: Competition, config: RunConfig, train: Sequence[Sample], test: Sequence[Sample]
) -> CheckedModels:
    """Build each model of the configuration on the columns of all training samples.

    Raises:
        ConfigError: a model does not fit the competition, or its library is not installed.
        DataError: the columns of train and test differ, or it is not clear what one means.
    """
    _check_full(config)
    networks: dict[str, nn.Module] = {}
    notes: list[str] = []
    record: Mapping[str, Any] = {}
    for name in config.model:
        one = member_config(config, name)
        _check_fit(competition, one, train)
        columns = FoldColumns.fit(one, train, train) if competition.columns else None
        if columns and not record:
            record = columns.treatment.record()
            notes += columns.notes([sample.features for sample in test])
        if name in ESTIMATORS:
            if columns and not any(sample.image for sample in train):
                columns.check_any(name)
            new_estimator(one, competition.task, config.seed)
            draw_weights(competition, one, train)
            check_metric(competition, units_of(train, competition.pool))
        else:
            networks[name] = check_training(on_columns(competition, one, columns), one, train)
    loss = config.loss.name
    if not networks and loss not in (type(config.loss)().name, competition.task.losses[0]):
        notes.append(
            f"loss.name = {loss} is for networks: {', '.join(config.model)} minimizes the squared "
            "error of numbers and the log loss of classes"
        )
    return CheckedModels(networks=networks, notes=notes, columns=record)


def _check_full(config: RunConfig) -> None:
    """Check that a model can be trained without held-out samples, if the configuration says so.

    Raises:
        ConfigError: it cannot.
    """
    if not config.full:
        return
    problem = ""
    if config.pseudo.run:
        problem = "pseudo-labels belong to the folds"
    elif network_names(config) and config.optim.schedule == "plateau":
        problem = "optim.schedule = plateau needs held-out scores"
    elif network_names(config) and config.average.how == "greedy-soup":
        problem = "average.how = greedy-soup needs held-out scores"
    if problem:
        raise ConfigError(
            f"full = {config.full} trains on all samples, so it holds nothing out, but {problem}: "
            "set full = false, or change that"
        )


def _check_fit(competition: Competition, config: RunConfig, train: Sequence[Sample]) -> None:
    """Check that the model of `config` learns from what the samples have.

    Raises:
        ConfigError: it does not.
    """
    (model,) = config.model
    images = any(sample.image for sample in train)
    if model == NETWORK and train and not images:
        raise ConfigError(
            f"model = network learns from images, but {competition.name} is a table: use gbdt, "
            "tabm, mlp, or several, such as --set model=[gbdt,tabm]"
        )
    if model in COLUMN_NETWORKS and not competition.columns:
        raise ConfigError(
            f"model = {model} learns from the columns of a table, but {competition.name} has none: "
            "use network"
        )
    if model in ESTIMATORS and config.loss.weights != "none":
        raise ConfigError(
            f"loss.weights = {config.loss.weights} is for networks, and model = {model} is none: "
            "set loader.sampler=balanced, which weights its rows"
        )
    mixes = {"loader.mixup": config.loader.mixup, "loader.cutmix": config.loader.cutmix}
    mixed = [f"{key} = {value}" for key, value in mixes.items() if value]
    if mixed and competition.columns and model not in ESTIMATORS:
        raise ConfigError(
            f"{' and '.join(mixed)} would mix images or targets, but not the columns beside them: "
            "set both to 0"
        )


def check_training(
    competition: Competition, config: RunConfig, train: Sequence[Sample]
) -> nn.Module:
    """Build everything that the training needs, so that mistakes appear before it starts.

    Returns the network. Its attribute `origin`, if it has one, says where its weights came from.
    """
    check_average(config)
    check_turns(competition, config)
    if NETWORK in config.model:
        check_augmentation(competition, config)
    model = competition.model(config)
    check_head(model, config)
    make_optimizer(model, config.optim)
    make_loss(competition, config, train)
    make_mixer(competition, config)
    draw_weights(competition, config, train)
    check_metric(competition, units_of(train, competition.pool))
    apply_freezing(model, config, 0.0)
    return model


def bytes_needed(
    models: Iterable[nn.Module],
    competition: Competition,
    config: RunConfig,
    folds: int,
    train: Sequence[Sample],
    test: Sequence[Sample],
) -> int:
    """Estimate the bytes that a run of these networks writes.

    They are: the checkpoint of a fold and the previous checkpoint, each with the weights, the best
    weights, a moving average, two moments of the optimizer and what a mean of weights needs; the
    weights of each training of a fold; the predictions in float32, two for each training sample and
    `folds` + 2 for each test sample, and once more those of the file that is being written; with
    several seeds the predictions of each; and the submission and the previous submission, about 20
    bytes per value.
    """
    folds += bool(config.full)
    weights: int = sum(tensor.nbytes for model in models for tensor in model.state_dict().values())
    in_checkpoint = 5 + weights_in_memory(config.average)
    weight_files = 2 * in_checkpoint * weights + folds * config.seeds * weights
    sizes = [math.prod(sample.size or (1, 1)) * competition.task.outputs * 4 for sample in test]
    of_train = len(train) * max(sizes, default=0)
    written = max(of_train, sum(sizes))
    of_seeds = config.seeds * (of_train + folds * sum(sizes)) if config.seeds > 1 else 0
    predictions = 2 * of_train + (folds + 2) * sum(sizes) + written + of_seeds
    return weight_files + predictions + 10 * sum(sizes)
