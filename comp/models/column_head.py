"""Columns beside images: a part of the head that gets the features of the image and the columns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.classifier import Classifier
from comp.models.column_networks import ColumnEmbedding, ColumnSpec
from comp.models.head_init import last_layers

WIDTH = 128
"""Units of the hidden layer that joins image and columns."""
EMBEDDING = 8
"""Values of the embedding of a number."""
BINS = 16
"""Bins of the embedding of a number."""


class ClassifierWithColumns(nn.Module):
    """A classifier whose head also gets the columns of the sample.

    Input `image`, float (N, C, H, W) in 0..1, `numbers`, float32 (N, F), and `categories`, int64
    (N, C); output float32 (N, outputs), raw. The outputs of the last layer of the classifier are
    increased by those of a small perceptron on the features of the image, the input of that last
    layer, and the embedded columns. Freezing, weights and scaled outputs are those of the
    classifier; the perceptron always trains.
    """

    def __init__(self, network: Classifier, spec: ColumnSpec, features: int, outputs: int) -> None:
        """Args: `features` is the number of inputs of the last layer of the classifier."""
        super().__init__()
        self.network = network
        self.columns = ColumnEmbedding(spec, EMBEDDING)
        self.norm = nn.LayerNorm(features)
        self.joint = nn.Sequential(
            nn.Linear(features + self.columns.width, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, outputs),
        )

    def forward(self, image: Tensor, numbers: Tensor, categories: Tensor) -> Tensor:
        out, features = _with_features(self.network, image)
        with torch.autocast(features.device.type, enabled=False):
            columns = self.columns(numbers, categories)
            more: Tensor = self.joint(torch.cat([self.norm(features.float()), columns], dim=1))
        return out.float() + (more * self.network.target_std if self.scaled else more)

    def freeze_below(self, count: int) -> None:
        """As `Classifier.freeze_below`."""
        self.network.freeze_below(count)

    @property
    def backbone(self) -> nn.Module:
        """The timm backbone."""
        return self.network.backbone

    @property
    def stages(self) -> Any:
        """The stages of the backbone."""
        return self.network.stages

    @property
    def frozen(self) -> int:
        """The number of frozen stages."""
        return self.network.frozen

    @property
    def origin(self) -> Any:
        """Where the weights of the backbone came from."""
        return self.network.origin

    @property
    def scaled(self) -> bool:
        """Whether the outputs get the scale of the targets."""
        return self.network.scaled

    @property
    def target_mean(self) -> Tensor:
        """The mean of the targets."""
        return self.network.target_mean

    @property
    def target_std(self) -> Tensor:
        """The standard deviation of the targets."""
        return self.network.target_std


def _with_features(network: Classifier, image: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs of a classifier, and the input of its last layer (N, D)."""
    found: list[Tensor] = []
    layer = last_layers(network.backbone)[-1]
    hook = layer.register_forward_pre_hook(lambda _layer, inputs: found.append(inputs[0]))
    try:
        out = network(image)
    finally:
        hook.remove()
    features = found[-1]
    return out, features if features.ndim == 2 else features.flatten(2).mean(dim=2)


def add_columns(network: nn.Module, spec: ColumnSpec, config: RunConfig) -> ClassifierWithColumns:
    """The network with the columns in its head.

    Raises:
        ConfigError: it is not a classifier on a timm backbone, or its head returns cosines.
    """
    if not isinstance(network, Classifier) or not last_layers(network.backbone):
        raise ConfigError(
            "columns beside images need a classifier on a timm backbone, but this network is "
            f"{type(network).__name__}: remove columns=True from the plugin, and read "
            'Sample.features with inputs=("image", "features")'
        )
    if config.head.kind != "linear":
        raise ConfigError(
            f"head.kind = {config.head.kind!r} does not fit columns beside images: set "
            "head.kind=linear"
        )
    blank = torch.zeros(1, network.input_spec.channels, *height_and_width(network.input_spec.size))
    with torch.no_grad():
        out, features = _with_features(network.eval(), blank)
    network.train()
    return ClassifierWithColumns(network, spec, features.shape[1], out.shape[1])
