"""What `comp bundle` copies of a plugin with a reader, a network or rows of its own.

A bundle is one file without comp: functions of the plugin that it needs are copied with everything
that they use, from the plugin and from comp. They may use torch, timm, numpy, Pillow and pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.schema import RunConfig


class BundleImage(Protocol):
    """A test image in a bundle."""

    @property
    def id(self) -> str:
        """The id of the sample."""

    @property
    def path(self) -> Path:
        """Its file."""


Decode = Callable[[Path, int], "np.ndarray"]
"""(file, channels: 1 or 3) -> the image as uint8 (H, W, channels). Raises DataError for a broken
file."""
ReadImage = Callable[[BundleImage], "np.ndarray"]
"""An image -> uint8 (H, W, C), what the network gets. Raises DataError for a broken file."""


def no_settings(_config: RunConfig) -> Mapping[str, Any]:
    """The settings of a plugin that needs none in a bundle."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Portable:
    """Functions for a bundle, each on the plain values that `settings` returns."""

    settings: Callable[[RunConfig], Mapping[str, Any]] = no_settings
    """(config) -> what the other functions need of the configuration, as JSON."""
    network: Callable[[Mapping[str, Any]], torch.nn.Module] | None = None
    """(settings) -> the network of `Competition.model`, with random weights. None: it is one of
    comp's, or of a class at the top of a module that needs no arguments."""
    reader: Callable[[Sequence[Any], Path, Decode, Mapping[str, Any]], ReadImage] | None = None
    """(all test images, data folder, comp's decoding, settings) -> reader of what
    `Competition.reader` and the pipeline make of an image. None: the reader is one of comp's."""
    rows: Mapping[str, Any] | None = None
    """What `Competition.rows` writes, as one of comp's kinds: {"kind": "pixels", "id_column": "id",
    "value_column": "value"}. None: the rows are those of comp, or their function is copied."""
