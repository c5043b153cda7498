"""Means of the weights at several steps at the end of a training.

The mean of weights on the way through a flat region of the loss is often better on other data than
each of them (Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization,
UAI 2018). A soup is the mean of several trained weights, of all or, greedily, of those that raise
the held-out score (Wortsman et al., Model soups, ICML 2022, recipe 1); here they are weights of one
training. A mean has no BatchNorm statistics of its own: swa refits them on training images, a soup
takes the mean of them.

torch.optim.swa_utils has the rule of the mean, which is used here. Its `AveragedModel` would copy
the network and not save the statistics, and its `update_bn` would refit the statistics of frozen
layers too, and draw dropout masks that a resumed training does not draw again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_swa_avg_fn

from comp.config.average import AverageConfig
from comp.config.schema import RunConfig
from comp.errors import ConfigError

Weights = dict[str, Tensor]
Score = Callable[[nn.Module], float]
Better = Callable[[float, float | None], bool]
_MEAN = get_swa_avg_fn()


def check_average(config: RunConfig) -> None:
    """Check that nothing else decides which weights of a fold are kept.

    Raises:
        ConfigError: a moving average or early stopping does.
    """
    how = config.average.how
    if how == "none":
        return
    if config.optim.ema:
        raise ConfigError(
            f"average.how = {how} and optim.ema = {config.optim.ema} are both means of the "
            "weights: set optim.ema = none"
        )
    if config.patience:
        raise ConfigError(
            f"patience = {config.patience} may stop a fold before its last steps, whose weights "
            f"average.how = {how} takes the mean of: set patience = none"
        )


def averaged_steps(config: AverageConfig, steps: int) -> frozenset[int]:
    """The steps after which weights are taken: at equal distances in the last share of `steps`, the
    last step included. There are fewer than `count` if the share has fewer steps."""
    if config.how == "none":
        return frozenset()
    distance = config.last * steps / config.count
    return frozenset(max(1, math.ceil(round(steps - i * distance, 6))) for i in range(config.count))


def scorings(config: AverageConfig) -> int:
    """The scores of a fold that the mean needs, at most, beside those of its validations."""
    if config.how == "none":
        return 0
    return 2 * config.count - 1 if config.how == "greedy-soup" else 1


def weights_in_memory(config: AverageConfig) -> int:
    """The copies of the weights that a checkpoint contains for the mean."""
    return {"none": 0, "greedy-soup": config.count}.get(config.how, 1)


@dataclass
class WeightAverage:
    """The weights that are taken of a network: their mean so far or, for a greedy soup, all.

    `count` are taken. `taken` are copies of `state_dict()`, those of a greedy soup on the CPU.
    """

    how: str
    steps: frozenset[int]
    count: int = 0
    taken: list[Weights] = field(default_factory=list)

    def update(self, model: nn.Module, step: int) -> None:
        """Take the weights of `model`, if it is time to."""
        if step not in self.steps:
            return
        now = {name: tensor.detach() for name, tensor in model.state_dict().items()}
        if self.how == "greedy-soup":
            self.taken.append({name: tensor.cpu().clone() for name, tensor in now.items()})
        elif self.taken:
            self.taken = [_added(self.taken[0], now, self.count)]
        else:
            self.taken = [{name: tensor.clone() for name, tensor in now.items()}]
        self.count += 1

    def finish(
        self, model: nn.Module, score: Score, better: Better, refit: Callable[[nn.Module], None]
    ) -> tuple[float, int]:
        """Give `model` the mean; returns its held-out score, and of how many weights it is."""
        if self.how == "greedy-soup":
            return _greedy_soup(model, self.taken, score, better)
        model.load_state_dict(self.taken[0])
        if self.how == "swa":
            refit(model)
        return score(model), self.count

    def state_dict(self) -> dict[str, Any]:
        """Numbers and tensors from which `load_state_dict` resumes."""
        return {"count": self.count, "taken": list(self.taken)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        self.count, self.taken = state["count"], list(state["taken"])


def _added(mean: Weights, now: Mapping[str, Tensor], count: int) -> Weights:
    """The mean of `count` weights and of `now`. Counters are those of `now`."""
    return {
        name: _MEAN(mean[name].to(tensor.device), tensor, count)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in now.items()
    }


def _mean_of(parts: Sequence[Weights]) -> Weights:
    mean = parts[0]
    for count, part in enumerate(parts[1:], start=1):
        mean = _added(mean, part, count)
    return mean


def _greedy_soup(
    model: nn.Module, parts: Sequence[Weights], score: Score, better: Better
) -> tuple[float, int]:
    """The greedy soup of Wortsman et al. 2022, recipe 1: the parts join in the order of their
    scores, each if the mean then scores at least as well."""

    def scored(weights: Weights) -> float:
        model.load_state_dict(weights)
        return score(model)

    scores = [scored(part) for part in parts]
    order: list[int] = []
    left = [index for index, value in enumerate(scores) if not math.isnan(value)]
    while left:
        best = left[0]
        for index in left[1:]:
            best = index if better(scores[index], scores[best]) else best
        left.remove(best)
        order.append(best)
    if not order:
        return math.nan, 0
    soup, reached = [parts[order[0]]], scores[order[0]]
    for index in order[1:]:
        value = scored(_mean_of([*soup, parts[index]]))
        if not math.isnan(value) and not better(reached, value):
            soup, reached = [*soup, parts[index]], value
    model.load_state_dict(_mean_of(soup))
    return reached, len(soup)


def refit_batch_norms(
    model: nn.Module, batches: Iterable[Any], forward: Callable[[nn.Module, Any], object]
) -> None:
    """Replace the statistics of the BatchNorm layers that train by their mean over `batches`, as
    `torch.optim.swa_utils.update_bn` does; frozen layers keep theirs, and dropout is off.

    Args:
        batches: not read if there is no such layer.
        forward: runs the network on a batch.
    """
    model.train()
    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, _BatchNorm) and layer.training and layer.running_mean is not None
    ]
    model.eval()
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches, each with the same weight
        layer.train()
    with torch.no_grad():
        for batch in batches:
            forward(model, batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.eval()
