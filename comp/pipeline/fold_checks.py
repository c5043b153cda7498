"""What the training samples of each fold must allow, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.sample_weights import draw_weights
from comp.errors import FoldError
from comp.pipeline.fold_context import FoldContext
from comp.training.batch import batch_loss
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer

SAMPLES = 8
"""Samples whose loss is computed to check it; an even number, which mixing needs."""


def check_training_parts(
    competition: Competition, config: RunConfig, parts: Iterable[tuple[int, Sequence[Sample]]]
) -> None:
    """Check each fold and its training samples: that there are some, and that class weights and
    the weights of draws can be computed from them.

    Raises:
        CompError: they cannot.
    """
    for fold, train in parts:
        if not train:
            noun = competition.group or "group"
            raise FoldError(
                f"fold {fold} has no training samples: all earlier samples are of a {noun} that it "
                "holds out; use fewer folds, or another scheme"
            )
        draw_weights(competition, config, train)
        if config.loss.weights != "none":
            make_loss(competition, config, train)


def check_weighted_loss(context: FoldContext) -> None:
    """Compute the weighted loss of a few samples of a fold with a new network, and noise on its
    outputs: those of a new network may be equal, and equal losses have the same mean however they
    are weighted.

    Raises:
        ConfigError: the loss is not the mean of the losses of its samples.
    """
    competition, config = context.competition, context.config
    model = context.new_model()
    device, dataset = context.accelerator.device, context.dataset()
    draws = next(iter(context.batch_sampler(1)))[:SAMPLES]
    items = default_collate([dataset[draw] for draw in draws])
    batch = {name: values.to(device) for name, values in items.items()}
    loss, mixer = make_loss(competition, config, context.train), make_mixer(competition, config)
    with torch.no_grad():
        batch_loss(_WithNoise(model.to(device)), batch, config, loss, mixer)


class _WithNoise(nn.Module):
    """A network with normal noise on its raw outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        raw: Tensor = self.network(*inputs)
        return raw + torch.randn_like(raw)
