"""Do maps depend on what a network has learned? A test with random weights.

Adebayo et al. (2018) show that some maps hardly change when the weights of the network do: such
maps draw the edges of the image, and explain nothing. Here the values of each tensor of weights
change places at random, of the layers after the map, and of all layers. Maps that explain then
change, too.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn

from comp.explanations.agreement import rank_correlation
from comp.explanations.grad_cam import Explainer, Inputs
from comp.explanations.layer import MapLayer
from comp.explanations.picture import enlarged
from comp.explanations.question import Question

DRAWS = 3
"""Random networks whose results are averaged."""
SAME = 0.7
"""From this mean size of the rank correlation on, maps of random networks count as the same."""


@dataclass(frozen=True, kw_only=True)
class Sanity:
    """How alike the maps of a network and those of random networks are."""

    after: float | None
    """Mean size of the rank correlation, whatever its sign, if the layers after the map are random;
    None if it is undefined, because a map is the same everywhere."""
    all: float | None
    """The same, if all layers are random."""
    samples: int

    @property
    def verdict(self) -> Literal["passed", "partly passed", "failed"]:
        """Whether the maps depend on the weights, on those of the last layers too."""
        if self.all is None or self.all >= SAME:
            return "failed"
        return "passed" if self.after is not None and self.after < SAME else "partly passed"

    @property
    def words(self) -> str:
        """The result in one sentence."""
        every, after = _number(self.all), _number(self.after)
        if self.verdict == "passed":
            return (
                f"sanity test passed: random weights give other maps (rank correlation {every}; "
                f"{after} if only the layers after the map are random)"
            )
        if self.verdict == "partly passed":
            return (
                "sanity test partly passed: random weights give other maps (rank correlation "
                f"{every}), but random weights only after the map hardly change them ({after}): "
                "maps show where the network sees something more than what it takes it for"
            )
        return (
            f"sanity test failed: random weights give much the same maps (rank correlation "
            f"{every}), so the maps do not show what the network has learned and cannot be trusted"
        )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def check_sanity(
    explainer: Explainer, layer: MapLayer, inputs: Inputs, questions: Sequence[Question]
) -> Sanity:
    """Compare the maps of a network with those of networks whose weights are random."""
    maps = explainer.maps(layer, inputs, questions)
    size = (int(inputs.images.shape[-2]), int(inputs.images.shape[-1]))
    found: dict[str, float | None] = {}
    after = _after(explainer, layer, inputs)
    parts: list[tuple[Literal["after", "all"], set[str] | None]] = [("after", after), ("all", None)]
    for part, names in parts:
        sizes: list[float] = []
        for draw in range(DRAWS):
            random = randomised(explainer, names, draw, inputs)
            module = random.network.get_submodule(layer.name)
            changed = random.maps(layer.of(module), inputs, questions)
            for one, two in zip(maps, changed, strict=True):
                both = [enlarged(each, size, explainer.multiple) for each in (one, two)]
                value = rank_correlation(both[0], both[1])
                sizes += [] if value is None else [abs(value)]
        found[part] = float(np.mean(sizes)) if sizes else None
    return Sanity(after=found["after"], all=found["all"], samples=len(maps))


def _after(explainer: Explainer, layer: MapLayer, inputs: Inputs) -> set[str]:
    """The names of the weights behind the map: those that have a gradient when none goes further
    back than the map."""
    network = copy.deepcopy(explainer.network).requires_grad_(True)
    named, one = dict(network.named_parameters()), inputs.first()
    with layer.of(network.get_submodule(layer.name)).probed(), torch.enable_grad():
        raw = replace(explainer, network=network).raw(one.images, one.image_at, one.others)
        gradients = torch.autograd.grad(raw.sum(), list(named.values()), allow_unused=True)
    return {name for name, g in zip(named, gradients, strict=True) if g is not None}


def randomised(
    explainer: Explainer, names: set[str] | None, draw: int, inputs: Inputs
) -> Explainer:
    """A copy of a network in which the values of each named tensor of weights change places.

    If all do, the statistics of BatchNorm become those of the inputs, so that random features keep
    a size that the next layer can use.

    Args:
        names: of the weights; None: all.
        draw: the seed.
    """
    network = copy.deepcopy(explainer.network)
    generator = torch.Generator().manual_seed(draw)
    other = replace(explainer, network=network)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if names is None or name in names:
                order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
                tensor.copy_(tensor.flatten()[order].view_as(tensor))
        if names is None:
            _adapt_statistics(other, inputs)
    return other


def _adapt_statistics(explainer: Explainer, inputs: Inputs) -> None:
    modules = explainer.network.modules()
    norms = [m for m in modules if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, which is one
        norm.train()
    if norms:
        twice = [torch.cat([values, values]) for values in (inputs.images, *inputs.others)]
        explainer.raw(twice[0], inputs.image_at, twice[1:])
    explainer.network.eval()
