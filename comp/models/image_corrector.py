"""A network that corrects an image: the image plus what an encoder-decoder adds to it."""

from __future__ import annotations

import torch
from torch import nn

from comp.config.schema import RunConfig
from comp.models.encoder_decoder import encoder_decoder


class ImageCorrector(nn.Module):
    """Input and output float (N, C, H, W), pixels in 0..1; at the start the output is the input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.multiple = int(network.multiple)  # type: ignore[arg-type]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        corrected: torch.Tensor = image + self.network(image * 2 - 1)
        return corrected


def build_corrector(config: RunConfig, channels: int) -> ImageCorrector:
    """An `ImageCorrector` of images with `channels` channels, on `config.backbone`.

    Raises:
        ConfigError: the backbone is unknown, or cannot be an encoder.
        WeightsError: the pretrained weights cannot be fetched or read.
    """
    return ImageCorrector(encoder_decoder(config, in_chans=channels, out_chans=channels))
