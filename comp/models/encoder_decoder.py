"""An encoder-decoder on any timm backbone, for predictions of the input's size."""

from __future__ import annotations

import difflib
import pickle

import timm
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import nn

from comp.config import RunConfig
from comp.errors import ConfigError, WeightsError

UNREADABLE = (SafetensorError, pickle.UnpicklingError, EOFError)
"""What a file raises that holds no weights."""


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions with BatchNorm and ReLU; the size stays."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class EncoderDecoder(nn.Module):
    """A U-shaped network: a timm backbone down, convolutions up, skips at every size.

    A backbone's first features have a half or a quarter of the input's size; a branch of two
    convolutions on the input itself brings the full resolution, without which thin strokes blur.
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


def encoder_decoder(config: RunConfig, in_chans: int, out_chans: int) -> EncoderDecoder:
    """Build an `EncoderDecoder` on `config.backbone`.

    Raises:
        ConfigError: an unknown backbone, or one that cannot be an encoder.
        WeightsError: pretrained weights that can be neither fetched nor read, or fit another
            backbone.
    """
    name, file = config.backbone, config.weights
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "see timm.list_models()"
        raise ConfigError(f"unknown backbone '{name}': timm has no model of that name; {hint}")
    if file and not file.is_file():
        raise WeightsError(f"no weights at {file}: give a file of backbone weights")
    try:
        encoder = _encoder(config, in_chans)
        if file:
            _check_loaded(encoder, _encoder(config, in_chans), config)
    except (AttributeError, RuntimeError, OSError, KeyError, *UNREADABLE) as error:
        raise _explain(config, error) from error
    model = EncoderDecoder(encoder, in_chans, out_chans)
    _check_sizes(model, config, in_chans)
    return model


def _encoder(config: RunConfig, in_chans: int) -> nn.Module:
    """A backbone that gives its feature maps, with the weights that the configuration asks for."""
    overlay = {"file": str(config.weights)} if config.weights else None
    encoder: nn.Module = timm.create_model(
        config.backbone,
        features_only=True,
        in_chans=in_chans,
        pretrained=config.pretrained or config.weights is not None,
        pretrained_cfg_overlay=overlay,
    )
    return encoder


def _check_loaded(first: nn.Module, second: nn.Module, config: RunConfig) -> None:
    """Make sure that weights came from the file: what is random differs between two encoders.

    timm loads the weights of an encoder leniently, so that a file of another network would leave
    random weights without a word.
    """
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    loaded = [torch.equal(a, b) for a, b in pairs if a.ndim > 1]
    if not all(loaded):
        raise WeightsError(
            f"{config.weights} holds only {sum(loaded)} of the {len(loaded)} weight tensors of "
            f"{config.backbone}: give a file made for this backbone"
        )


def _check_sizes(model: EncoderDecoder, config: RunConfig, in_chans: int) -> None:
    """Make sure that the encoder takes images of any size."""
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, in_chans, 64, 96))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"{config.backbone} cannot be an encoder: it does not take images of any size "
            f"({_line(error)}); use a convolutional backbone"
        ) from error
    model.train()


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _explain(config: RunConfig, error: Exception) -> Exception:
    """Say whether the weights or the backbone are to blame."""
    name, reason = config.backbone, _line(error)
    if config.weights:
        return WeightsError(f"{config.weights} does not fit {name}: {reason}")
    if config.pretrained:
        return WeightsError(
            f"cannot fetch pretrained weights of {name} ({reason}): give a local file with "
            "--set weights=FILE, or train from scratch with --set pretrained=false"
        )
    return ConfigError(f"{name} cannot be an encoder: {reason}")
