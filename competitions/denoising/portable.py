"""What a bundle copies: pages with their papers, and the networks, without OpenCV and scipy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter
from torch import nn

from comp.errors import DataError
from comp.models.encoder_decoder import plain_encoder_decoder
from competitions.denoising.network import SMALL, OnPaper, PageNet
from competitions.denoising.papers import papers_of

if TYPE_CHECKING:
    from comp.config.schema import RunConfig
    from comp.contract.portable import BundleImage, Decode

HALF_WIDTHS = (0, 3, 3, 4, 4, 4, 3, 3, 0)
"""The rows of OpenCV's ellipse of 9 x 9 pixels: pixels to the left and to the right."""


def settings(config: RunConfig) -> Mapping[str, Any]:
    """The options that change the network or what it gets."""
    background: str = config.options.background  # type: ignore[attr-defined]
    return {"background": background, "backbone": config.backbone or SMALL}


def network(settings: Mapping[str, Any]) -> nn.Module:
    """The network of a run."""
    channels = 1 if settings["background"] == "off" else 4
    if settings["backbone"] == SMALL:
        return OnPaper(PageNet(channels))
    return OnPaper(plain_encoder_decoder(settings["backbone"], channels, 1))


def reader(
    images: Sequence[BundleImage], root: Path, decode: Decode, settings: Mapping[str, Any]
) -> Callable[[BundleImage], np.ndarray]:
    """A reader of test pages, uint8 (H, W, 1 or 2), with their papers.

    Papers are recovered from the training and the test pages that can be read.
    """
    background = settings["background"]
    papers: Mapping[str, np.ndarray] = {}
    if background == "recovered":
        paths = [*sorted((root / "train").glob("*.png")), *(image.path for image in images)]
        papers = papers_of(_readable(paths, decode), estimated_paper)

    def read(image: BundleImage) -> np.ndarray:
        page = decode(image.path, 1)[..., 0]
        layers = [page]
        if background == "recovered":
            layers.append(papers[_key(image.path)])
        elif background == "single":
            layers.append(estimated_paper(page))
        return np.stack(layers, axis=-1)

    return read


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _readable(paths: Sequence[Path], decode: Decode) -> dict[str, np.ndarray]:
    pages: dict[str, np.ndarray] = {}
    for path in paths:
        try:
            pages[_key(path)] = decode(path, 1)[..., 0]
        except DataError:  # the program tells of broken test pages when it reads them
            continue
    return pages


def estimated_paper(page: np.ndarray) -> np.ndarray:
    """The same paper as `competitions.denoising.papers.estimate_paper`, with Pillow and numpy."""
    closed = 255 - _dilated(255 - _dilated(page))
    return np.asarray(Image.fromarray(closed).filter(ImageFilter.MedianFilter(11)))


def _dilated(page: np.ndarray) -> np.ndarray:
    """At each pixel, the largest value below the ellipse; outside of the page is nothing."""
    half = len(HALF_WIDTHS) // 2
    height, width = page.shape
    padded = np.zeros((height + 2 * half, width + 2 * half), np.uint8)
    padded[half : half + height, half : half + width] = page
    widest: dict[int, np.ndarray] = {0: padded[:, half : half + width]}
    for reach in range(1, half + 1):
        sides = (padded[:, half + step : half + step + width] for step in (-reach, reach))
        widest[reach] = np.maximum.reduce([widest[reach - 1], *sides])
    rows = [widest[reach][top : top + height] for top, reach in enumerate(HALF_WIDTHS)]
    return np.asarray(np.maximum.reduce(rows))
