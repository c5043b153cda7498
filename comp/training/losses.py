"""The loss of a run: the competition's own, or one of its task."""

from __future__ import annotations

from collections.abc import Sequence

from comp.config.nearest import did_you_mean
from comp.config.schema import RunConfig
from comp.config.sections import LossConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.arcface import check_arcface


def loss_name(competition: Competition, config: RunConfig) -> str:
    """The name of the loss: "own" is the competition's own, or the first loss of its task.

    Raises:
        ConfigError: the loss does not fit the task.
    """
    name, task = config.loss.name, competition.task
    if name == "own":
        return "own" if competition.loss else task.losses[0]
    if name not in task.losses:
        raise ConfigError(
            f"loss.name = '{name}' does not fit {competition.name}, which predicts {task.kind}: "
            f"{did_you_mean(name, task.losses)}use {', '.join(task.losses)}"
        )
    return name


def make_loss(competition: Competition, config: RunConfig, train: Sequence[Sample]) -> Loss:
    """The loss of a run, a mean over the batch.

    Args:
        train: training samples of the fold, from whose targets class weights come.

    Raises:
        ConfigError: the loss does not fit the competition, or does not support class weights or
            smoothing; or a class has no training sample for its weight.
    """
    settings, name = config.loss, loss_name(competition, config)
    if name == "own":
        assert competition.loss
        check_plain(settings, "the competition's own loss")
        return competition.loss
    if name == "arcface":
        check_arcface(config)
    return competition.task.make_loss(name, settings, list(train))


def check_plain(settings: LossConfig, loss: str) -> None:
    """Refuse class weights and smoothing, which `loss` does not support.

    Raises:
        ConfigError: one of them is set.
    """
    refused = [f"loss.weights = '{settings.weights}'"] * (settings.weights != "none")
    refused += [f"loss.smoothing = {settings.smoothing}"] * (settings.smoothing > 0)
    if refused:
        raise ConfigError(
            f"{loss} does not support {' and '.join(refused)}: leave them out, they are for the "
            "losses of classes"
        )
