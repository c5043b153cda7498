"""An encoder-decoder on a timm backbone, for predictions of the same size as the input."""

from __future__ import annotations

import timm
import torch
import torch.nn.functional as F
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.hub import first_line
from comp.models.weights import TIMM_ERRORS, create_backbone


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions with BatchNorm and ReLU; height and width stay the same."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class EncoderDecoder(nn.Module):
    """A U-Net: a timm backbone as encoder, convolutions as decoder, skip connections at each size.

    The first features of a backbone have a half or a quarter of the input size. Two convolutions on
    the input itself add features at full resolution; without them thin strokes are blurred.
    Input float (N, in_chans, H, W), output (N, out_chans, H, W); any H and W.
    """

    multiple = 32

    def __init__(self, encoder: nn.Module, in_chans: int, out_chans: int, width: int = 16) -> None:
        super().__init__()
        self.encoder = encoder
        channels = [width, *encoder.feature_info.channels()]  # type: ignore[union-attr, operator]
        self.stem = conv_block(in_chans, width)
        widths = [max(width, min(256, c // 2)) for c in channels[:-1]]
        inputs = [*widths[1:], channels[-1]]
        self.decoder = nn.ModuleList(
            conv_block(below + skip, out)
            for below, skip, out in zip(inputs, channels[:-1], widths, strict=True)
        )
        self.head = nn.Conv2d(widths[0], out_chans, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[-2:]
        below, right = -height % self.multiple, -width % self.multiple
        padded = F.pad(image, (0, right, 0, below), mode="replicate")
        features = [self.stem(padded), *self.encoder(padded)]
        x = features.pop()
        for block, skip in zip(reversed(self.decoder), reversed(features), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = block(torch.cat([x, skip], dim=1))
        out: torch.Tensor = self.head(x)
        return out[..., :height, :width]


def plain_encoder_decoder(backbone: str, in_chans: int, out_chans: int) -> EncoderDecoder:
    """An `EncoderDecoder` on a timm backbone, with random weights."""
    encoder = timm.create_model(backbone, pretrained=False, features_only=True, in_chans=in_chans)
    return EncoderDecoder(encoder, in_chans, out_chans)


def encoder_decoder(config: RunConfig, in_chans: int, out_chans: int) -> EncoderDecoder:
    """Build an `EncoderDecoder` on `config.backbone`.

    Raises:
        ConfigError: the backbone is unknown, or cannot be an encoder.
        WeightsError: the pretrained weights cannot be fetched or read, or belong to another
            backbone.
    """
    try:
        encoder, _ = create_backbone(config, features_only=True, in_chans=in_chans)
        model = EncoderDecoder(encoder, in_chans, out_chans)
    except TIMM_ERRORS as error:
        raise ConfigError(
            f"{config.backbone} cannot be an encoder ({first_line(error)}): use another backbone"
        ) from error
    check_sizes(model, config, in_chans)
    return model


def check_sizes(model: nn.Module, config: RunConfig, in_chans: int) -> None:
    """Check that a network accepts images that are not square.

    Raises:
        ConfigError: its backbone refuses them.
    """
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, in_chans, 64, 96))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"{config.backbone} cannot be an encoder, it does not accept images of any size "
            f"({first_line(error)}): use a convolutional backbone"
        ) from error
    model.train()
