"""The small network for pages, and the features that every network here sees."""

from __future__ import annotations

import torch
from torch import nn

from comp.config import RunConfig
from comp.models.encoder_decoder import encoder_decoder

SMALL = "pagenet"


def build(config: RunConfig) -> nn.Module:
    """The network that `config.backbone` names: our small one, or an encoder-decoder on timm's."""
    channels = 1 if config.options.background == "off" else 4  # type: ignore[attr-defined]
    if config.backbone in ("", SMALL):
        return OnPaper(PageNet(channels))
    return OnPaper(encoder_decoder(config, in_chans=channels, out_chans=1))


class OnPaper(nn.Module):
    """Divides the page by its paper, and lets a network correct the quotient.

    Input float (N, 1, H, W) the page, or (N, 2, H, W) the page and its paper, in 0..1. Output
    (N, 1, H, W): the page, or page / paper, plus what the network adds.
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
            ratio = (page / paper.clamp_min(0.04)).clamp(0, 1.25)
            density = ratio.clamp_min(0.02).log() / -4
            features, base = torch.cat([page, ratio, paper, density], dim=1), ratio.clamp(0, 1)
        corrected: torch.Tensor = base + self.network(features * 2 - 1)
        return corrected


class Residual(nn.Module):
    """Two 3 x 3 convolutions whose result is added to the input; nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.second(torch.relu(self.first(x)))
        return x + change


class PageNet(nn.Sequential):
    """Residual blocks at half resolution, where 2 x 2 pixels are four channels each."""

    multiple = 2

    def __init__(self, in_chans: int, width: int = 32, blocks: int = 4) -> None:
        last = nn.Conv2d(width, 4, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        super().__init__(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * in_chans, width, 3, padding=1),
            *[Residual(width) for _ in range(blocks)],
            nn.ReLU(),
            last,
            nn.PixelShuffle(2),
        )
