"""The small network for pages, and the input features of every network here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.encoder_decoder import encoder_decoder

SMALL = "pagenet"


def build(config: RunConfig) -> nn.Module:
    """The network of `config.backbone`: the small one, or an encoder-decoder on a timm backbone.

    Raises:
        ConfigError: pretrained weights for the small network, which has none.
    """
    channels = 1 if config.options.background == "off" else 4  # type: ignore[attr-defined]
    if config.backbone in ("", SMALL):
        if config.pretrained or config.weights:
            raise ConfigError(
                f"{SMALL}, the network of denoising, has no pretrained weights: name a timm "
                "backbone too, such as --set backbone=resnet34, or give no weights"
            )
        return OnPaper(PageNet(channels))
    return OnPaper(encoder_decoder(config, in_chans=channels, out_chans=1))


class OnPaper(nn.Module):
    """Divides the page by its paper, and adds the correction of a network.

    Input float (N, 1, H, W) the page, or (N, 2, H, W) the page and its paper, in 0..1. Output
    (N, 1, H, W): the page, or page / paper, plus the output of the network.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.multiple = int(network.multiple)  # type: ignore[arg-type]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        page = image[:, :1]
        if image.shape[1] == 1:
            features, base = page, page
        else:
            paper = image[:, 1:2]
            ratio = (page / paper.clamp_min(0.04)).clamp(0.0, 1.25)
            density = ratio.clamp_min(0.02).log() / -4
            features, base = torch.cat([page, ratio, paper, density], dim=1), ratio.clamp(0, 1)
        corrected: torch.Tensor = base + self.network(features * 2 - 1)
        return corrected


class Block(nn.Module):
    """Two 3 x 3 convolutions whose result is added to the input; at the start it is zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.outer = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.outer(torch.relu(self.inner(x)))
        return x + change


class PageNet(nn.Module):
    """A small U-Net of residual blocks at half resolution; 2 x 2 pixels become channels.

    It has no normalisation, and no activation between the blocks, so that no unit there can die.
    Input float (N, in_chans, H, W), output (N, 1, H, W); H and W are multiples of `multiple`.
    """

    def __init__(self, in_chans: int, widths: Sequence[int] = (32, 48, 64)) -> None:
        super().__init__()
        self.multiple = 2 ** len(widths)
        steps = list(pairwise(widths))
        self.head = nn.Conv2d(4 * in_chans, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(Block(width) for width in widths)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in steps)
        self.decoder = nn.ModuleList(Block(width) for width in widths[:-1])
        self.tail = zeroed(nn.Conv2d(widths[0], 4, 3, padding=1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.head(F.pixel_unshuffle(image, 2))
        skips = []
        for block, down in zip(self.encoder, self.down, strict=False):
            skips.append(block(x))
            x = down(skips[-1])
        x = self.encoder[-1](x)
        for block, up in zip(reversed(self.decoder), reversed(self.up), strict=True):
            x = block(up(x) + skips.pop())
        return F.pixel_shuffle(self.tail(x), 2)


def zeroed(conv: nn.Conv2d) -> nn.Conv2d:
    """Set all weights of the convolution to zero, and return it."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
