"""Weights of the training samples: in the loss, and in how often they are drawn."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dataset import sampling_weights
from comp.errors import ConfigError


def loss_weights(samples: Sequence[Sample]) -> list[float] | None:
    """The weight of each sample in the loss, of mean 1; None if all weights are equal."""
    weights = [float(sample.weight) for sample in samples]
    if len(set(weights)) < 2:
        return None
    mean = statistics.fmean(weights)
    return [weight / mean for weight in weights]


def draw_weights(
    competition: Competition, config: RunConfig, samples: Sequence[Sample]
) -> list[float] | None:
    """How often each training sample is drawn, in proportion; None: all equally often.

    Raises:
        ConfigError: `loader.sampler` does not fit the samples, or the competition's own weights are
            not valid.
    """
    sampler = config.loader.sampler
    if sampler == "balanced":
        return sampling_weights(samples, competition.task.label_names)
    return _own_weights(competition, config, samples) if sampler == "own" else None


def _own_weights(
    competition: Competition, config: RunConfig, samples: Sequence[Sample]
) -> list[float]:
    if competition.sampling_weights is None:
        raise ConfigError(
            f"loader.sampler = own, but {competition.name} has no sampling_weights: set "
            "loader.sampler = shuffle, or give the plugin this field"
        )
    found = f"sampling_weights of {competition.name} returns"
    values = np.asarray(competition.sampling_weights(list(samples), config))
    if values.shape != (len(samples),):
        count = f"{len(values)} weights" if values.ndim == 1 else f"the shape {values.shape}"
        raise ConfigError(
            f"{found} {count} for {len(samples)} training samples: return one number for each"
        )
    if values.dtype.kind not in "biuf":
        raise ConfigError(f"{found} values that are not numbers: return one number for each sample")
    weights: list[float] = values.astype(np.float64).tolist()
    for sample, weight in zip(samples, weights, strict=True):
        if not math.isfinite(weight) or weight < 0:
            raise ConfigError(
                f"{found} {weight} for '{sample.id}': return finite numbers that are not negative"
            )
    total = sum(weights)
    if not 0 < total < math.inf:
        raise ConfigError(
            f"{found} weights of sum {total:g} for {len(samples)} training samples: return some "
            "that are above 0"
        )
    return weights
