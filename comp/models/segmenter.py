"""A segmenter: a timm backbone as encoder and convolutions as decoder, for pixels in 0..1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.backbone import resolve_input
from comp.models.classifier import CONFIG_KEYS, Classifier
from comp.models.encoder_decoder import check_sizes, conv_block
from comp.models.freezing import frozen_at, stages_of
from comp.models.hub import first_line
from comp.models.weights import TIMM_ERRORS, create_backbone

NARROWEST, WIDEST = 16, 64
"""Channels of the decoder. Wider ones cost time and hardly help a pretrained encoder."""


class MaskNetwork(nn.Module):
    """A U-Net without convolutions at full resolution, which would cost as much as the encoder.

    The decoder ends at the size of the encoder's first feature map; its masks are enlarged
    bilinearly. Input float (N, C, H, W), output float (N, outputs, H, W) of any H and W.
    `multiple` is 1 if each feature map of the encoder has the size ceil(side / reduction), so that
    maps of neighbouring sizes are aligned for every input; otherwise inputs are padded.
    """

    def __init__(self, encoder: nn.Module, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        info: Any = encoder.feature_info
        channels = list(info.channels())
        widths = [max(NARROWEST, min(WIDEST, c)) for c in channels[:-1]]
        inputs = [*widths[1:], channels[-1]]
        self.decoder = nn.ModuleList(
            conv_block(below + skip, out)
            for below, skip, out in zip(inputs, channels[:-1], widths, strict=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[0] if widths else channels[0], outputs, 1)
        self.multiple, self._stage_of = _multiple_and_stages(encoder, list(info.reduction()))

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        below, right = -height % self.multiple, -width % self.multiple
        if below or right:
            image = F.pad(image, (0, right, 0, below), mode="replicate")
        features = list(self.encoder(image))
        x = features.pop()
        for block, skip in zip(reversed(self.decoder), reversed(features), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = block(torch.cat([x, skip], dim=1))
        out = self.head(self.dropout(x))
        out = F.interpolate(out, size=image.shape[-2:], mode="bilinear", align_corners=False)
        return out[..., :height, :width]

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:  # noqa: ARG002
        """Name of a parameter -> index of its stage: one stage for each feature map of the encoder,
        and last the decoder. timm's layer decay and the freezing use it."""
        return partial(_stage_of_name, self._stage_of)

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters without weight decay, as timm's encoder defines them."""
        names = getattr(self.encoder, "no_weight_decay", set)
        return {f"encoder.{name}" for name in names()}


def _stage_of_name(stage_of: dict[str, int], name: str) -> int:
    return stage_of.get(name, len(set(stage_of.values())))


def _multiple_and_stages(
    encoder: nn.Module, reductions: Sequence[int]
) -> tuple[int, dict[str, int]]:
    """The multiple for inputs of the encoder, and the stage of each of its parameters: the first
    feature map that depends on it."""
    channels = next(m.in_channels for m in encoder.modules() if isinstance(m, nn.Conv2d))
    weight = next(encoder.parameters())
    side = 2 * max(reductions) + 1
    training = encoder.training
    features = encoder.eval()(torch.zeros(1, channels, side, side, device=weight.device))
    encoder.train(training)
    aligned = all(
        feature.shape[-2:] == (-(-side // reduction),) * 2
        for feature, reduction in zip(features, reductions, strict=True)
    )
    parameters = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
    stage_of: dict[str, int] = {}
    for index, feature in enumerate(features):
        gradients = torch.autograd.grad(
            feature.sum(), list(parameters.values()), retain_graph=True, allow_unused=True
        )
        used = [n for n, g in zip(parameters, gradients, strict=True) if g is not None]
        stage_of |= {f"encoder.{n}": index for n in used if f"encoder.{n}" not in stage_of}
    return 1 if aligned else max(reductions), stage_of


class Segmenter(Classifier):
    """A `MaskNetwork` for pixels in 0..1, whose encoder can be frozen like a classifier's backbone.

    Input float (N, channels, H, W) in 0..1 of any size, normalized with the mean and the standard
    deviation of `input_spec`; output float (N, outputs, H, W), raw. The last of the `stages` is the
    decoder, which is never frozen.
    """

    @property
    def multiple(self) -> int:
        """Height and width that are multiples of it need no padding."""
        return int(self.backbone.multiple)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> Tensor:
        out: Tensor = self.backbone((image - self.mean) / self.std)
        return out


def build_segmenter(config: RunConfig, outputs: int) -> Segmenter:
    """Build a `Segmenter` with `outputs` raw masks on `config.backbone`, without frozen stages.

    Raises:
        ConfigError: the backbone is unknown, cannot be an encoder, or does not support the
            configured channels, arguments or frozen stages.
        WeightsError: the pretrained weights cannot be fetched or read, or do not fit.
    """
    if not config.backbone:
        raise ConfigError(
            "backbone is not set: choose a timm backbone, for example --set backbone=resnet34"
        )
    input_spec = resolve_input(config)
    arguments = _arguments(config, input_spec.channels)
    try:
        encoder, origin = create_backbone(config, **arguments)
        network = MaskNetwork(encoder, outputs, config.dropout)
    except TIMM_ERRORS as error:
        raise ConfigError(
            f"{config.backbone} cannot be an encoder ({first_line(error)}): use another backbone"
        ) from error
    stages = stages_of(network)
    frozen_at(config, len(stages), 0.0)
    model = Segmenter(network, input_spec, origin, stages)
    check_sizes(model, config, input_spec.channels)
    return model


def _arguments(config: RunConfig, channels: int) -> dict[str, Any]:
    """The arguments of timm.create_model, without name and weights."""
    reserved = sorted(set(config.backbone_args) & set(CONFIG_KEYS))
    if reserved:
        key = reserved[0]
        raise ConfigError(f"backbone_args.{key} cannot be set: it follows from {CONFIG_KEYS[key]}")
    drop_path = {"drop_path_rate": config.drop_path} if config.drop_path else {}
    return {"features_only": True, "in_chans": channels} | drop_path | config.backbone_args
